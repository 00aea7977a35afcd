import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from '@jest/globals';
import { type Desk, openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { queue } from './support.ts';

const sandbox = await openSandbox();

/** A desk whose state fails at one kind of write, as a disk does that becomes full then; `mend` ends that. */
async function deskThatFailsAt(write: string, queued: readonly string[] = []): Promise<{ desk: Desk; mend(): void }> {
  const desk = openDesk(sandbox);
  await queue(desk.stateDir, queued);
  const change = (sql: string) => {
    const database = new DatabaseSync(join(desk.stateDir, 'state.db'));
    database.exec(sql);
    database.close();
  };
  change(`CREATE TRIGGER full BEFORE ${write} BEGIN SELECT RAISE(ABORT, 'no room'); END`);
  return { desk, mend: () => change('DROP TRIGGER full') };
}
const told = (id: string) => sandbox.receiver.recording(Number(id))?.received ?? 0;

test('a state that fails before an upload is noted: the files are uploaded, and no status promises a retry', async () => {
  const { desk, mend } = await deskThatFailsAt('INSERT ON recordings', [freshId()]);
  const id = freshId();
  const upload = ['upload', makeRecording({ name: id })];
  const { code, stdout, stderr } = await desk.run(upload);
  expect(code).toBe(5);
  expect(stderr).toMatch(/the state in .* cannot be used: no room .*continuing without it/);
  expect(stdout).toContain(`${id}: 3 files uploaded and verified`);
  expect(stdout).toContain('next: the same command again, once the state can be used');
  expect((await desk.run(['retry', '--list'])).stdout).not.toContain(id);
  expect(told(id)).toBe(0);
  mend();
  expect((await desk.run(upload)).code).toBe(0);
  expect(told(id)).toBe(1);
});

test('the same where it holds no webhook: the server is told at once', async () => {
  const { desk } = await deskThatFailsAt('INSERT ON recordings');
  const ids = [freshId(), freshId()];
  const { code, stderr } = await desk.run(['upload', ...ids.map(name => makeRecording({ name })), '--quiet']);
  expect([code, stderr.match(/continuing without it/g)]).toEqual([0, ['continuing without it']]);
  expect(ids.map(told)).toEqual([1, 1]);
});

test('a state that fails after the webhook was queued: the upload is done, and retry sends the webhook', async () => {
  const { desk, mend } = await deskThatFailsAt('UPDATE OF claim ON deliveries');
  const id = freshId();
  const { code, stdout, stderr } = await desk.run(['upload', makeRecording({ name: id })]);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/warning: the state in .* cannot be used: no room/)]);
  expect(stdout).toContain('webhook pending: it is queued, but what became of it could not be stored');
  expect((await desk.run(['retry', '--list'])).stdout).toContain(id);
  mend();
  expect((await desk.run(['retry', '--now'])).code).toBe(0);
  expect(told(id)).toBe(1);
});

test('a webhook that the state cannot take is not delivered: exit 5, not 4, which promises a retry', async () => {
  const { desk } = await deskThatFailsAt('INSERT ON deliveries');
  const id = freshId();
  await desk.run(['upload', makeRecording({ name: id }), '--no-webhook']);
  const { code, stderr } = await desk.run(['webhook', 'send', id]);
  expect([code, stderr]).toEqual([5, expect.stringMatching(/webhook delivery of recording \d+ could not be stored/)]);
  expect((await desk.run(['retry', '--list'])).stdout).not.toContain(id);
});
