import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { shownCommand } from '../support/shown-command.ts';

/* Of a damaged state, what can be read is shown, and nothing is said to be missing that may only be unreadable. */

let sandbox: Sandbox;
let desk: Desk;
let ids: string[];
let file: string;
beforeEach(async () => {
  sandbox = await openSandbox();
  desk = openDesk(sandbox);
  file = join(desk.stateDir, 'state.db');
  ids = [freshId(), freshId(), freshId()];
  const dirs = ids.map(name => makeRecording({ name }));
  sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } }, times: 3 });
  expect((await desk.run(['upload', ...dirs])).code).toBe(0);
  const db = new DatabaseSync(file);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
});

const PAGE = 4096;

function rootOf(name: string): number {
  const db = new DatabaseSync(file, { readOnly: true });
  const row = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name);
  db.close();
  return Number(row?.rootpage);
}

function rewrite(change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(file);
  change(bytes);
  writeFileSync(file, bytes);
}

function flip(at: number, bit = 0): void {
  rewrite(bytes => bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at));
}

const zero = (page: number) => rewrite(bytes => bytes.fill(0, (page - 1) * PAGE, page * PAGE));

/** An index without entries: SQLite answers from it, and finds nothing. */
function empty(index: string): void {
  const start = (rootOf(index) - 1) * PAGE;
  rewrite(bytes => bytes.fill(0, start, start + PAGE).set([0x0a, 0, 0, 0, 0, 0x10, 0, 0], start));
}

/** Each leaves all recordings and webhooks readable. */
const HARMLESS: Record<string, () => void> = {
  'the name of the format': () => flip(2),
  'the size of pages': () => flip(16, 4),
  'the version of the schema: one that will never be': () => flip(60, 6),
  'the version of the schema: none': () => rewrite(bytes => bytes.writeUInt32BE(0, 60)),
  'the format of the schema': () => flip(47, 3),
  'the name of a column': () => flip(readFileSync(file).indexOf('held_reason TEXT')),
  'an index that is empty': () => empty('recordings_touched'),
  'an index by which webhooks are counted': () => empty('deliveries_settled'),
  'an index of zeros': () => zero(rootOf('recordings_by_id')),
  'attempts that are missing': () => zero(rootOf('attempts')),
  'the end of the file': () => truncateSync(file, (rootOf('totals') - 1) * PAGE),
};

describe.each(Object.entries(HARMLESS))('%s', (name, damage) => {
  test('everything is shown, with a warning, and the command that is advised saves it', async () => {
    damage();
    const id = ids[0] as string;
    const seen = { list: '', status: '' };
    for (const args of [['list'], ['status'], ['status', id], ['webhook', 'history', id]]) {
      const { code, stdout, stderr } = await desk.run(args);
      expect({ args, code, stderr }).toEqual({
        args,
        code: 4,
        stderr: expect.stringMatching(
          /state\.db is damaged \(recordupload retry sets the file aside.*\n.*what can be read/,
        ),
      });
      expect(stdout).toContain(args[0] === 'webhook' ? 'held (rejected)' : args.length === 1 ? ids[1] : id);
      if (args.length === 1) seen[args[0] as 'list'] = stdout;
    }
    expect(seen.list.split('\n')).toHaveLength(4);
    expect(seen.status).toContain('0 partial, 3 done');
    expect(seen.status).toContain('3 held');
    const { stderr } = await desk.run(['list']);
    const mended = await desk.run(shownCommand(stderr, '('));
    // Only the number was wrong where nothing is set aside.
    const isNumber = name.startsWith('the version');
    expect(mended.stderr).toContain(isNumber ? '' : 'its uploads and webhooks could be read and were saved');
    // The held webhooks are known again.
    expect(mended).toMatchObject({ code: 5, stdout: expect.stringContaining('3 webhooks held') });
    expect(await desk.run(['retry', '--held'])).toMatchObject({ code: 0 });
    expect(await desk.run(['list'])).toMatchObject({ code: 0, stderr: '' });
  });
});

/** Each takes something away. */
const LOSSES: Record<string, [string, () => void]> = {
  'a table of zeros': ['cannot be read at all: recordings', () => zero(rootOf('recordings'))],
  'a value that is no JSON': ['cannot be read: some recordings', () => flip(readFileSync(file).indexOf('{"title"'), 1)],
};

describe.each(Object.entries(LOSSES))('%s', (_, [words, damage]) => {
  test('what is missing is named, and nothing is said to have never been', async () => {
    damage();
    for (const args of [['list'], ['status']]) {
      const { code, stdout, stderr } = await desk.run(args);
      expect({ args, code, stderr }).toEqual({ args, code: 4, stderr: expect.stringContaining(words) });
      expect(stdout).not.toMatch(/nothing has been uploaded|^no recording$/m);
    }
    for (const args of [
      ['status', ids[2] as string],
      ['webhook', 'history', ids[2] as string],
    ]) {
      const { code, stdout, stderr } = await desk.run(args);
      expect({ args, code, stderr }).toEqual({ args, code: 4, stderr: expect.stringContaining('is damaged') });
      expect(stdout + stderr).not.toMatch(/not known on this machine|is known on this machine/);
    }
    const retried = await desk.run(['retry']);
    expect(retried.stderr).toContain('and a new one is begun');
    expect(await desk.run(['status'])).toMatchObject({ code: 0, stderr: '' });
  });
});

test.each(Object.entries(LOSSES))('%s: folders that wait for their upload are still known', async (_, [, damage]) => {
  const [waiting, damaged] = [makeRecording(), makeRecording()];
  expect((await desk.run(['enqueue', waiting, '--title', 'Kept'])).code).toBe(0);
  expect((await desk.run(['enqueue', damaged, '--title', 'Spoilt'])).code).toBe(0);
  const db = new DatabaseSync(file);
  db.exec(`UPDATE queue SET asked = '{"title' WHERE dir = '${damaged}'`);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  damage();
  await desk.run(['list']);
  const { stderr, stdout } = await desk.run(['retry']);
  expect(stderr).toContain('a new one is begun with the folders that waited for their upload; unfinished uploads');
  expect(stdout).toContain('1 of 1 upload finished');
  expect(webhooksOf(sandbox, basename(waiting)).map(({ body }) => body.title)).toEqual(['Kept']);
  expect(webhooksOf(sandbox, basename(damaged))).toEqual([]);
});

const GONE: Record<string, [RegExp, () => void]> = {
  'the first page': [/state\.db is damaged/, () => zero(1)],
  'half of the first page': [/state\.db is damaged/, () => truncateSync(file, 2000)],
  'all of its bytes': [/state\.db is empty/, () => truncateSync(file, 0)],
  'the file': [/state\.db is missing/, () => rmSync(file)],
};

test.each(Object.entries(GONE))('without %s: nothing can be read, and that is said', async (_, [words, damage]) => {
  damage();
  for (const args of [['list'], ['status'], ['status', ids[0] as string], ['status', '--format', 'openmetrics']]) {
    const { code, stdout, stderr } = await desk.run(args);
    expect({ args, code, stdout, stderr }).toEqual({ args, code: 4, stdout: '', stderr: expect.stringMatching(words) });
  }
  expect((await desk.run(['retry'])).code).toBe(0);
  expect((await desk.run(['status'])).code).toBe(0);
});

test('JSON says what is missing', async () => {
  zero(rootOf('recordings'));
  for (const args of [['list'], ['status'], ['status', ids[0] as string], ['webhook', 'history', ids[0] as string]]) {
    const { code, stdout, stderr } = await desk.run([...args, '--json']);
    const { exitCode, result } = JSON.parse(stdout) as { exitCode: number; result: { damage: unknown } };
    expect({ args, code, exitCode, stderr, damage: result.damage }).toEqual({
      args,
      code: 4,
      exitCode: 4,
      stderr: '',
      damage: { file, unreadable: [{ table: 'recordings', all: true }] },
    });
  }
});

test('monitoring gets no numbers of which some are missing', async () => {
  empty('deliveries_settled');
  const { code, stdout, stderr } = await desk.run(['status', '--format', 'openmetrics']);
  expect({ code, stdout, stderr }).toEqual({ code: 4, stdout: '', stderr: expect.stringContaining('is damaged') });
});
