import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});

const isRoot = process.getuid?.() === 0;
/** Root may write everywhere. */
const asNobody = isRoot ? test : test.skip;
const NOBODY = { user: 65_534, cwd: '/' };

describe('where the program runs', () => {
  test('a reader that goes away (| head -1) is no error, and the work is done', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const { code, stderr } = await desk.run(['upload', makeRecording({ name: id })], { closeStdout: true });
    expect(code).toBe(0);
    expect(stderr).not.toContain('EPIPE');
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('a result that cannot be written is told and ends with 2; the work is done', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    for (const args of [['upload', makeRecording({ name: id })], ['upload', '--json', makeRecording()], ['man']]) {
      const { code, stderr } = await desk.run(args, { stdout: '/dev/full' });
      expect(code).toBe(2);
      expect(stderr.match(/^error: the output cannot be written: .* \(what was done is kept.*\)$/gm)).toHaveLength(1);
    }
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    // The launcher's own texts too.
    const help = await desk.run(['--help'], { stdout: '/dev/full' });
    expect(help).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: the output cannot be written: .*\n$/),
    });
  });

  test('without HOME the user’s folder is the account’s', async () => {
    const desk = openDesk(sandbox, { HOME: undefined });
    const id = freshId();
    const env = { RECORDUPLOAD_STATE_DIR: join(desk.home, 'state') };
    expect((await desk.run(['upload', makeRecording({ name: id })], { env })).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  // As `docker run --user 54321`, or a pod or unit with a user's number: no such account, and HOME may be missing.
  asNobody.each([undefined, '', '/'])('a user whom the system does not list can upload (HOME: %j)', async HOME => {
    const desk = openDesk(sandbox, { HOME });
    const id = freshId();
    const dir = makeRecording({ name: id });
    for (const folder of [dir, join(dir, '..')]) chmodSync(folder, 0o755);
    const { code, stdout, stderr } = await desk.run(['upload', dir], { user: 54_321, cwd: '/' });
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toMatch(/warning: the state folder \/\.local\S* is not writable \(set stateDir/);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('an empty HOME is none: the state is not looked for in the working folder', async () => {
    const desk = openDesk(sandbox, { HOME: '', RECORDUPLOAD_STATE_DIR: undefined });
    const { stdout } = await desk.run(['config', 'show', '--json']);
    const { values } = (JSON.parse(stdout) as { result: { values: { path: string; value: string }[] } }).result;
    expect(values.find(({ path }) => path === 'stateDir')?.value).toBe(
      join(userInfo().homedir, '.local/state/recordupload'),
    );
  });

  test('the state folder is the user’s alone', async () => {
    const desk = openDesk(sandbox);
    await desk.run(['upload', makeRecording()]);
    const modeOf = (path: string) => (statSync(join(desk.stateDir, path)).mode & 0o777).toString(8);
    expect(['', 'logs', 'logs/app.log', 'state.db'].map(modeOf)).toEqual(['700', '700', '600', '600']);
  });

  asNobody(
    'a state folder that cannot be written is told once, and the recording is uploaded all the same',
    async () => {
      const desk = openDesk(sandbox);
      const id = freshId();
      chmodSync(desk.home, 0o777);
      const readOnly = join(desk.home, 'read-only');
      mkdirSync(readOnly, { mode: 0o555 });
      const env = { RECORDUPLOAD_STATE_DIR: readOnly, RECORDUPLOAD_LOG_FILE: join(desk.home, 'app.log') };
      const { code, stderr } = await desk.run(['upload', makeRecording({ name: id })], { ...NOBODY, env });
      expect(code).toBe(0);
      expect(stderr.match(/warning: the state .*read-only/g)).toHaveLength(1);
      expect(webhooksOf(sandbox, id)).toHaveLength(1);
      const retry = await desk.run(['retry'], { ...NOBODY, env });
      expect({ code: retry.code, stdout: retry.stdout }).toEqual({ code: 4, stdout: '' });
      expect(retry.stderr).toMatch(/^error: the state .*read-only .*\n$/);
    },
  );

  asNobody('a log that cannot be written is told once and stops nothing', async () => {
    const desk = openDesk(sandbox);
    chmodSync(desk.home, 0o777);
    const env = { RECORDUPLOAD_STATE_DIR: join(desk.home, 'state'), RECORDUPLOAD_LOG_FILE: '/nowhere/app.log' };
    const { code, stderr } = await desk.run(['upload', makeRecording()], { ...NOBODY, env });
    expect(code).toBe(0);
    expect(stderr.match(/warning: the log \/nowhere\/app\.log cannot be written/g)).toHaveLength(1);
  });

  test('a state that is no database is kept beside a new one, and told', async () => {
    const desk = openDesk(sandbox);
    mkdirSync(desk.stateDir, { recursive: true });
    writeFileSync(join(desk.stateDir, 'state.db'), 'not a database, but perhaps somebody’s. '.repeat(200));
    const { code, stderr } = await desk.run(['upload', makeRecording()]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: the state file was damaged: it is kept as .*$/m);
  });

  test('output to a pipe has no colours and no redrawing', async () => {
    const { stdout, stderr } = await openDesk(sandbox).run(['upload', makeRecording()]);
    expect(stdout + stderr).not.toContain('\u001b');
  });
});

describe('the command line', () => {
  test.each([
    [['uplaod', 'x'], /^error: unknown command 'uplaod' \(did you mean recordupload upload\?\)\n$/],
    [['upload'], /^error: missing required argument 'dir' \(see recordupload upload --help\)\n$/],
    [['webhook', 'sned', '3'], /^error: unknown command 'sned' \(did you mean recordupload webhook send\?\)\n$/],
  ])('%j: one line, exit 2', async (args, says) => {
    const { code, stdout, stderr } = await openDesk(sandbox).run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(says);
  });

  test.each([[['--help']], [['upload', '--help']], [['webhook', 'test', '-h']], [['--version']]])(
    '%j prints to stdout, exit 0',
    async args => {
      const { code, stdout, stderr } = await openDesk(sandbox).run(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).not.toBe('');
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    },
  );

  test.each([[[]], [['webhook']]])('%j alone prints the help to stderr, exit 2', async args => {
    const { code, stdout, stderr } = await openDesk(sandbox).run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: recordupload');
  });
});

describe('a state that fails in the middle of an upload', () => {
  test('ends it: one error, nothing goes on behind it', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({
      name: id,
      videoBytes: 3_000_000,
      files: { 'recording.json': '{"duration_seconds": 9}' },
    });
    await desk.run(['retry', '--quiet']);
    const database = new DatabaseSync(join(desk.stateDir, 'state.db'));
    database.exec("CREATE TRIGGER broken BEFORE INSERT ON files BEGIN SELECT RAISE(ABORT, 'disk on fire'); END");
    database.close();
    const { code, stdout, stderr } = await desk.run(['upload', dir, '--bwlimit', '1M']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr.match(/^error: the state in .* disk on fire.*$/gm)).toHaveLength(1);
    // The video was on its way: it is ended, not sent to its end.
    expect(sandbox.s3.objects().map(({ key }) => key)).not.toContain(`${id}/video.mkv`);
    expect(webhooksOf(sandbox, id)).toEqual([]);
  });
});

describe('text from outside', () => {
  test('is shown, not obeyed, in every form that is printed, and stored as it is', async () => {
    const title = 'a\u202eb\u200bc\u{e0041}';
    const dir = makeRecording({ files: { 'recording.json': JSON.stringify({ title }) } });
    const desk = openDesk(sandbox);
    const plain = await desk.run(['upload', dir, '--dry-run']);
    const json = await desk.run(['upload', dir, '--progress', 'json', '--json']);
    const log = readFileSync(join(desk.stateDir, 'logs/app.log'), 'utf8');
    const shown = [plain, json].map(({ stdout, stderr }) => stdout + stderr).join('') + log;
    expect(shown.match(/[\u007f-\u009f\u200b-\u200f\u202a-\u202e]|\u{e0041}/gu)).toBeNull();
    const payload = JSON.parse(plain.stdout.slice(plain.stdout.indexOf('{'))) as { title: string };
    expect(payload.title).toBe(title);
    expect(webhooksOf(sandbox, basename(dir)).at(-1)?.body.title).toBe(title);
  });
});
