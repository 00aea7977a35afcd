import { expect, test } from '@jest/globals';
import { openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

test('--bucket, --endpoint-url and --webhook-url beat what is configured', async () => {
  const sandbox = await openSandbox();
  const elsewhere = { RECORDUPLOAD_BUCKET: 'nowhere', RECORDUPLOAD_ENDPOINT: 'http://127.0.0.1:9' };
  const desk = openDesk(sandbox, { ...elsewhere, WEBHOOK_URL: 'http://127.0.0.1:9/' });
  const targets = [
    ...['--bucket', sandbox.s3.bucket],
    ...['--endpoint-url', sandbox.s3.url],
    ...['--webhook-url', sandbox.receiver.url],
  ];
  const id = freshId();
  expect(await desk.run(['upload', makeRecording({ name: id }), ...targets])).toMatchObject({ code: 0 });
  expect(sandbox.receiver.recording(id)).toBeDefined();
  expect(await desk.run(['webhook', 'send', id, ...targets])).toMatchObject({ code: 0 });
  expect(await desk.run(['webhook', 'test', '--email', 'operator@example.com', ...targets])).toMatchObject({ code: 0 });
});

test('the next command that is advised goes where this one went', async () => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox, { WEBHOOK_URL: 'http://127.0.0.1:9/' });
  const id = freshId();
  sandbox.faults.add({ server: 'webhook', action: { answer: { status: 500 } } });
  const { stdout } = await desk.run(['upload', makeRecording({ name: id }), '--webhook-url', sandbox.receiver.url]);
  const next = /next: recordupload (.*)/.exec(stdout)?.[1] ?? '';
  expect(next).toBe(`retry --webhook-url ${sandbox.receiver.url} --now ${id}`);
  expect(await desk.run(next.split(' '))).toMatchObject({ code: 0, stdout: '1 of 1 webhook delivered\n' });
});

test('-n, -q, -v and -f are short for their long names', async () => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox);
  const id = freshId();
  const dir = makeRecording({ name: id });
  expect((await desk.run(['upload', dir, '-n'])).stdout).toContain(`${id}: would upload to`);
  expect(sandbox.receiver.requests()).toHaveLength(0);
  expect(await desk.run(['upload', dir, '-q'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  const again = await desk.run(['upload', dir, '-fv']);
  expect(again.stderr).toMatch(new RegExp(`^→ PutObject ${id}/video\\.mkv {2}ok`, 'm'));
});
