import { lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { foreignFile, isOwn } from '../../src/core/own-files.ts';
import { tempDir } from '../support/temp-dir.ts';

const user = (uid: number | undefined, loginUid?: number) => ({ uid, loginUid: () => loginUid });

test.each([
  ['one’s own', 1000, user(1000), true],
  ['root’s', 0, user(1000), true],
  ['another user’s', 1001, user(1000), false],
  ['another user’s for root', 1000, user(0), false],
  ['the user’s who became root', 1000, user(0, 1000), true],
  ['the user’s who became another user, not root', 1000, user(1001, 1000), false],
  ['anybody’s on Windows', 5, user(undefined), true],
])('whose files count as ours: %s', (_whose, uid, who, expected) => {
  expect(isOwn({ uid }, who)).toBe(expected);
});

test('on Windows, owner and permissions say nothing', () => {
  const file = join(tempDir(), 'file');
  writeFileSync(file, '', { mode: 0o666 });
  expect(foreignFile(file, lstatSync(file), user(undefined))).toBeUndefined();
});
