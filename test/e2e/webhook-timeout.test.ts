import { expect, test } from '@jest/globals';
import { openDesk, openSandbox, readJson } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

test('a server that does not answer within 30 s fails no upload, and is tried again', async () => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox);
  const id = freshId();
  sandbox.faults.add({ server: 'webhook', action: { hang: 'before' } });
  const { code, stdout, stderr } = await desk.run(['upload', makeRecording({ name: id })]);
  expect(code).toBe(0);
  expect(stdout).toContain('no complete response within 30 s');
  for (const text of ['❌ Webhook timeout', '⚠️ Webhook failed but upload succeeded']) {
    expect(stderr).toContain(text);
    expect(desk.log()).toContain(text);
  }
  const { result } = readJson<{ deliveries: unknown[] }>(await desk.run(['retry', '--list', '--json']));
  expect(result.deliveries).toMatchObject([{ recordingId: id, state: 'pending', attempts: 1 }]);
  expect((await desk.run(['retry', '--now'])).code).toBe(0);
  expect(sandbox.receiver.recording(id)?.received).toBe(1);
});
