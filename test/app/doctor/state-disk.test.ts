import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { checkStateFolder } from '../../../src/app/doctor/check-machine.ts';
import { isOnSharedDrive } from '../../../src/core/first-look.ts';
import { tempDir } from '../../support/temp-dir.ts';

const uid = process.getuid?.();
const names = async (...args: Parameters<typeof checkStateFolder>) =>
  (await checkStateFolder(...args)).map(({ name, status }) => `${name} ${status}`);

test('A state on a network drive is a warning: SQLite’s locks may fail there', async () => {
  const dir = tempDir();
  const findings = await checkStateFolder(dir, { uid, isShared: async () => true });
  expect(findings.at(-1)).toMatchObject({
    name: 'state disk',
    status: 'warning',
    detail: expect.stringContaining(`${dir} is on a network drive`),
    fix: 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder on a disk of this machine',
  });
});

test('A disk of this machine is none, nor is a folder there that does not exist yet', async () => {
  const dir = join(tempDir(), 'not', 'yet');
  expect(await isOnSharedDrive(dir)).toBe(false);
  expect(await names(dir, { uid })).toEqual(['state folder ok', expect.stringMatching(/^disk space /)]);
});
