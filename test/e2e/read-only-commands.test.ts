import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

let sandbox: Sandbox;
let desk: Desk;
let id: string;
beforeEach(async () => {
  sandbox = await openSandbox();
  desk = openDesk(sandbox);
  id = freshId();
  expect((await desk.run(['upload', makeRecording({ name: id }), '--quiet'])).code).toBe(0);
});

function write(name: string, text: string, mode = 0o600): void {
  const file = join(desk.cwd, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

const reading = (): string[][] => [['status'], ['status', id], ['list'], ['logs'], ['webhook', 'history', id]];

/** What can be wrong with secrets: each makes `retry` end with 2. */
const FLAWS: Record<string, () => NodeJS.ProcessEnv> = {
  'a token file that does not exist': () => ({ WEBHOOK_TOKEN: '', WEBHOOK_TOKEN_FILE: 'nowhere' }),
  'a token file that others can read': () => {
    write('token', 'fake-token', 0o644);
    return { WEBHOOK_TOKEN: '', WEBHOOK_TOKEN_FILE: 'token' };
  },
  'two sources for one secret': () => ({ WEBHOOK_TOKEN_FILE: 'nowhere' }),
  'a token that is none': () => ({ WEBHOOK_TOKEN: 'fake token' }),
  'a signing secret that is none': () => ({ WEBHOOK_SECRET: 'fake' }),
  'a configuration file with a secret that others can read': () => {
    write('.recorduploadrc', 'webhook: {token: fake-token}', 0o644);
    return {};
  },
  'a .env with a secret that others can read': () => {
    write('.env', 'WEBHOOK_TOKEN=fake-token\n', 0o644);
    return {};
  },
  'a token that is a number': () => {
    write('.recorduploadrc', 'webhook: {token: 12345}');
    return { WEBHOOK_TOKEN: '' };
  },
  'a file of the folder that is not trusted': () => {
    write('.recorduploadrc', 'webhook: {tokenFile: token}');
    return { WEBHOOK_TOKEN: '' };
  },
};

describe('commands that only read', () => {
  test.each(Object.entries(FLAWS))('run with %s, and warn', async (_, prepare) => {
    const env = prepare();
    expect((await desk.run(['retry'], { env })).code).toBe(2);
    for (const args of reading()) {
      const { code, stdout, stderr } = await desk.run(args, { env });
      expect({ args, code, warns: /warning/i.test(stderr), stdout }).toEqual({
        args,
        code: 0,
        warns: true,
        stdout: expect.stringMatching(/./) as unknown,
      });
      expect((await desk.run([...args, '--json'], { env })).code).toBe(0);
    }
  });

  test('still refuse a state or log that a file which is not trusted places outside of its folder', async () => {
    write('.recorduploadrc', 'stateDir: ../elsewhere');
    for (const args of reading()) expect((await desk.run(args)).code).toBe(2);
  });

  test('still refuse a configuration that says where the state is, and cannot be read', async () => {
    write('.recorduploadrc', 'stateDir: 5');
    for (const args of reading()) expect((await desk.run(args)).code).toBe(2);
  });
});

test('one flipped bit in the schema is damage; what reading commands advise helps', async () => {
  const file = join(desk.stateDir, 'state.db');
  const db = new DatabaseSync(file);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  const bytes = readFileSync(file);
  const at = bytes.indexOf('recording_id', bytes.indexOf('CREATE TABLE deliveries'));
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(file, bytes);
  for (const args of [['status'], ['list']]) {
    const { code, stderr } = await desk.run(args);
    expect([code, stderr]).toEqual([4, expect.stringContaining('is damaged (recordupload retry sets the file aside')]);
  }
  expect(await desk.run(['logs'])).toMatchObject({ code: 0, stdout: expect.stringContaining('file uploaded') });
  expect(await desk.run(['retry'])).toMatchObject({ code: 0, stderr: expect.stringContaining('it is kept as') });
  expect(await desk.run(['status'])).toMatchObject({ code: 0 });
});
