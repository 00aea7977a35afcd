import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from '@jest/globals';
import { openLiveness } from '../../src/state/sqlite/liveness.ts';
import { MIGRATIONS } from '../../src/state/sqlite/migrations.ts';
import { type Desk, openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { queue, withState } from './support.ts';

const sandbox = await openSandbox();
const stateFile = (desk: Desk) => join(desk.stateDir, 'state.db');
const setAside = (desk: Desk) => readdirSync(desk.stateDir).filter(name => /^state\.db\.corrupt-[0-9TZ]+$/.test(name));

const titlesOf = (id: string) => webhooksOf(sandbox, id).map(({ body }) => body.title);

/** A desk that has uploaded something; its state is then done violence to. */
async function usedDesk(violence: (file: string) => void): Promise<Desk> {
  const desk = openDesk(sandbox);
  await queue(
    desk.stateDir,
    Array.from({ length: 40 }, () => freshId()),
  );
  violence(stateFile(desk));
  return desk;
}

const overwrite = (from: number) => (file: string) => {
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0x5a, from, Math.min(bytes.length, from + 20_000)));
};

describe('a state file that cannot be read', () => {
  test.each([
    ['is no database', (file: string) => writeFileSync(file, 'so much for the state\n'.repeat(500))],
    ['has lost its beginning', overwrite(0)],
    ['was cut off', (file: string) => truncateSync(file, 12_288)],
  ])('%s: it is set aside as it is, and the upload goes on', async (_, violence) => {
    let broken = Buffer.alloc(0);
    const desk = await usedDesk(file => {
      violence(file);
      broken = readFileSync(file);
    });
    const id = freshId();
    const { code, stderr } = await desk.run(['upload', makeRecording({ name: id })]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('warning: the state file was damaged: it is kept as ')]);
    expect(stderr).toContain('unfinished uploads and webhooks are no longer known: upload their folders again');
    expect(setAside(desk)).toHaveLength(1);
    expect(readFileSync(join(desk.stateDir, setAside(desk)[0] ?? '')).equals(broken)).toBe(true);
    expect((await desk.run(['webhook', 'history', id])).stdout).toContain('delivered');
  });

  test('is damaged in its middle: the run that meets it says so, the next one sets it aside', async () => {
    const desk = await usedDesk(overwrite(40_960));
    const first = await desk.run(['retry', '--list']);
    expect([first.code, first.stderr]).toEqual([
      4,
      expect.stringMatching(/state\.db is damaged \(recordupload retry sets the file aside/),
    ]);
    const second = await desk.run(['retry', '--quiet']);
    expect([second.code, second.stderr]).toEqual([0, expect.stringContaining('the state file was damaged')]);
    expect((await desk.run(['retry'])).stderr).toBe('');
    expect(setAside(desk)).toHaveLength(1);
  });

  test('is damaged, and two processes meet it at once: one new file, one set aside', async () => {
    const desk = await usedDesk(overwrite(0));
    const ids = [freshId(), freshId(), freshId()];
    const runs = await Promise.all(ids.map(id => desk.run(['upload', makeRecording({ name: id })])));
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(setAside(desk)).toHaveLength(1);
    const kept = await withState(desk.stateDir, ({ outbox }) => outbox.list({}));
    expect(kept.map(one => one.recordingId).toSorted()).toEqual(ids.toSorted());
  });

  test('is missing from a folder that was in use: said, and a new one is begun', async () => {
    const desk = await usedDesk(file => rmSync(file));
    const { code, stderr } = await desk.run(['retry']);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/the state file .*state\.db is missing: a new one is begun/),
    ]);
    expect((await desk.run(['retry'])).stderr).toBe('');
  });
});

describe('a state that cannot be used', () => {
  const setVersion = (file: string, version: number) => {
    const database = new DatabaseSync(file);
    database.exec(`PRAGMA user_version = ${version}`);
    database.close();
  };
  const newer = (file: string) => setVersion(file, MIGRATIONS.length + 1);
  const NOT_SENT =
    'webhook lost: not sent: the state cannot be used, and may hold an older webhook of this recording, which would be sent after this one';

  test('because a newer version wrote it: it is left as it is, the files are uploaded, and nothing is sent around it', async () => {
    let before = Buffer.alloc(0);
    const desk = await usedDesk(file => {
      newer(file);
      before = readFileSync(file);
    });
    const id = freshId();
    const dir = makeRecording({ name: id });
    const { code, stdout, stderr } = await desk.run(['upload', dir]);
    expect([code, stderr]).toEqual([5, expect.stringContaining('was written by a newer version of recordupload')]);
    expect(stderr).toContain(
      'continuing without it: what fails in this run is not kept and cannot be resumed, and no webhook is sent, because it may hold older ones',
    );
    expect(stdout).toContain(`${id}: 3 files uploaded and verified`);
    expect(stdout).toContain(NOT_SENT);
    expect(stdout).toContain('next: the same command again, once the state can be used');
    expect(sandbox.receiver.recording(Number(id))).toBeUndefined();
    expect(readFileSync(stateFile(desk)).equals(before)).toBe(true);
    expect((await desk.run(['retry'])).code).toBe(4);

    setVersion(stateFile(desk), MIGRATIONS.length);
    expect((await desk.run(['upload', dir, '--strict'])).code).toBe(0);
    expect(sandbox.receiver.recording(Number(id))?.received).toBe(1);
  });

  test('and holds an older webhook: a newer one is never overtaken by it, of an upload or by hand', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 503 } } });
    await desk.run(['upload', dir, '--title', 'Old']);
    newer(stateFile(desk));
    const upload = ['upload', dir, '--title', 'New'];
    const { stdout } = await desk.run([...upload, '--json']);
    expect(JSON.parse(stdout).result.recordings[0].deliveries).toMatchObject([
      { outcome: 'lost', detail: expect.stringContaining('not sent: the state cannot be used') },
    ]);
    const byHand = await desk.run(['webhook', 'send', id]);
    expect([byHand.code, byHand.stdout]).toEqual([5, expect.stringContaining(NOT_SENT)]);
    expect(byHand.stdout).toContain('next: the same command again, once the state can be used');
    expect(titlesOf(id)).toEqual(['Old']);

    setVersion(stateFile(desk), MIGRATIONS.length);
    expect((await desk.run(['retry', '--now'])).code).toBe(0);
    expect((await desk.run(upload)).code).toBe(0);
    expect(titlesOf(id)).toEqual(['Old', 'Old', 'New']);
  });

  test('because another process has damaged it and still uses it: nothing is sent around it', async () => {
    const desk = await usedDesk(() => {});
    const user = await openLiveness(desk.stateDir);
    overwrite(0)(stateFile(desk));
    const id = freshId();
    const { code, stderr } = await desk.run(['upload', makeRecording({ name: id })]);
    user.close();
    expect([code, stderr]).toEqual([5, expect.stringContaining('is damaged, and another process still uses it')]);
    expect(sandbox.receiver.recording(Number(id))).toBeUndefined();
  });

  test('and has no webhook yet: the upload is announced', async () => {
    const desk = openDesk(sandbox);
    await queue(desk.stateDir, []);
    newer(stateFile(desk));
    const id = freshId();
    expect((await desk.run(['upload', makeRecording({ name: id }), '--strict'])).code).toBe(0);
    expect(sandbox.receiver.recording(Number(id))?.received).toBe(1);
  });

  test('because there is none, and a webhook fails: said to be lost, exit 5, with the command that sends it', async () => {
    const desk = openDesk(sandbox);
    mkdirSync(dirname(desk.stateDir), { recursive: true });
    writeFileSync(desk.stateDir, 'a file');
    const id = freshId();
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 503 } } });
    const { code, stdout } = await desk.run(['upload', makeRecording({ name: id })]);
    expect(code).toBe(5);
    expect(stdout).toContain('webhook lost: the server, or a proxy before it, has a fault (status 503)');
    expect(stdout).toContain('without a state folder it is not kept, and will not be tried again');
    expect(stdout).toContain(`next: recordupload webhook send ${id}`);
    expect(stdout).not.toContain('next try');
    expect((await desk.run(['webhook', 'send', id])).code).toBe(0);
    expect(sandbox.receiver.recording(Number(id))?.received).toBe(1);
  });

  test('because its folder is a file: said, and the upload goes on', async () => {
    const desk = openDesk(sandbox);
    mkdirSync(dirname(desk.stateDir), { recursive: true });
    writeFileSync(desk.stateDir, 'a file');
    const { code, stderr } = await desk.run(['upload', makeRecording(), '--quiet']);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/the state folder .* cannot be created: it, or a folder above it, is a file/),
    ]);
    const { code: retried, stderr: said } = await desk.run(['retry']);
    expect([retried, said]).toEqual([4, expect.stringContaining('RECORDUPLOAD_STATE_DIR')]);
  });

  test('is told to scripts as an error of the code STATE', async () => {
    const desk = await usedDesk(newer);
    const { error } = readJson(await desk.run(['webhook', 'list', '--json']));
    expect(error).toMatchObject({ code: 'STATE', hint: expect.stringContaining('upgrade recordupload') });
  });
});

test('a log that is left without its state file is kept', async () => {
  const desk = openDesk(sandbox);
  await queue(desk.stateDir, [freshId()]);
  copyFileSync(stateFile(desk), `${stateFile(desk)}-wal`);
  rmSync(stateFile(desk));
  expect((await desk.run(['retry'])).stderr).toMatch(/its log is kept as .*state\.db\.lost-.*-wal/);
  expect(readdirSync(desk.stateDir).some(name => /^state\.db\.lost-.*-wal$/.test(name))).toBe(true);
  expect(existsSync(stateFile(desk))).toBe(true);
});
