import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { openDesk, openSandbox, readJson } from '../support/desk.ts';
import { findLeaks } from '../support/leaks.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { configure, endpointWithToken, NO_ENDPOINT, queue, SIGNING_SECRETS } from './support.ts';

const sandbox = await openSandbox();
const DEAD = 'http://127.0.0.1:1/recordings/webhook/';
const requestsFor = (id: string) =>
  sandbox.receiver.requests().filter(({ body }) => String(JSON.parse(body).recording_id) === id);

interface Deliveries {
  deliveries: { recordingId: string; endpoint: string; outcome: string }[];
  endpoints: { endpoint: string; sent: number; left: number }[];
}

describe('several endpoints', () => {
  test('each get the webhook; the dead one is told of, and tried again by itself', async () => {
    const desk = openDesk(sandbox, NO_ENDPOINT);
    const { url } = sandbox.receiver;
    configure(desk, { webhooks: [endpointWithToken('dead', DEAD), endpointWithToken('alive', url)] });
    const id = freshId();
    const upload = await desk.run(['upload', makeRecording({ name: id })]);
    expect(upload.code).toBe(0);
    expect(upload.stdout).toContain('✔ webhook alive delivered (201, created)');
    expect(upload.stdout).toMatch(/! webhook dead pending: nothing listens at 127\.0\.0\.1:1 .*next try/);
    expect(requestsFor(id)).toHaveLength(1);

    const retried = readJson<Deliveries>(await desk.run(['retry', '--now', '--json']));
    expect(retried.result.deliveries).toMatchObject([{ recordingId: id, endpoint: 'dead', outcome: 'pending' }]);
    configure(desk, { webhooks: [endpointWithToken('dead', url), endpointWithToken('alive', url)] });
    expect((await desk.run(['retry', '--now'])).code).toBe(0);
    expect(requestsFor(id)).toHaveLength(2);
  });

  test('a dead one costs a run three probes, and delays no other', async () => {
    const desk = openDesk(sandbox, NO_ENDPOINT);
    configure(desk, {
      webhooks: [endpointWithToken('dead', DEAD), endpointWithToken('alive', sandbox.receiver.url)],
    });
    await queue(
      desk.stateDir,
      Array.from({ length: 50 }, () => freshId()),
      ['dead', 'alive'],
    );
    const { result } = readJson<Deliveries>(await desk.run(['retry', '--json']));
    expect(result.endpoints).toMatchObject([
      { endpoint: 'dead', sent: 3, left: 47, stopped: 'failing' },
      { endpoint: 'alive', sent: 50, left: 0 },
    ]);
  });

  test('--endpoint narrows send, retry and test to one', async () => {
    const desk = openDesk(sandbox, NO_ENDPOINT);
    const { url } = sandbox.receiver;
    configure(desk, { webhooks: [endpointWithToken('one', url), endpointWithToken('two', url)] });
    const id = freshId();
    await desk.run(['upload', makeRecording({ name: id }), '--no-webhook']);
    expect((await desk.run(['webhook', 'send', id, '--endpoint', 'two'])).stdout).toBe(
      '✔ webhook two delivered (201, created)\n',
    );
    await queue(desk.stateDir, [freshId()], ['one', 'two']);
    const retried = readJson<Deliveries>(await desk.run(['retry', '--endpoint', 'one', '--json']));
    expect(retried.result.deliveries.map(({ endpoint }) => endpoint)).toEqual(['one']);
    const tested = readJson<{ checks: { endpoint: string }[] }>(
      await desk.run(['webhook', 'test', '--endpoint', 'two', '--json']),
    );
    expect(tested.result.checks.map(({ endpoint }) => endpoint)).toEqual(['two', 'two']);
    const wrong = await desk.run(['retry', '--endpoint', 'three']);
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('there is no endpoint "three" (configured: one, two)'),
    ]);
  });

  test('one that is switched off is sent nothing, and tested only by its name', async () => {
    const desk = openDesk(sandbox, NO_ENDPOINT);
    const { url } = sandbox.receiver;
    configure(desk, { webhooks: [endpointWithToken('on', url), endpointWithToken('off', url, { enabled: false })] });
    const id = freshId();
    await desk.run(['upload', makeRecording({ name: id })]);
    expect(requestsFor(id)).toHaveLength(1);
    const all = await desk.run(['webhook', 'test']);
    expect([all.code, all.stderr]).toEqual([
      0,
      expect.stringContaining('endpoint off is switched off in the configuration: not tested'),
    ]);
    expect((await desk.run(['webhook', 'test', '--endpoint', 'off', '--quiet'])).code).toBe(0);
    configure(desk, { webhooks: [endpointWithToken('on', url), endpointWithToken('off', url)] });
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(requestsFor(id)).toHaveLength(2);
  });
});

test('with two secrets a receiver that knows either of them accepts the signature', async () => {
  const desk = openDesk(sandbox, { RECORDUPLOAD_WEBHOOK_SECRETS: SIGNING_SECRETS.join(',') });
  const id = freshId();
  await desk.run(['upload', makeRecording({ name: id })]);
  const [request] = requestsFor(id);
  const headers = request?.headers ?? {};
  for (const secret of SIGNING_SECRETS) {
    expect(new Webhook(secret).verify(request?.body ?? '', headers)).toMatchObject({ recording_id: Number(id) });
  }
  const stranger = new Webhook(`whsec_${Buffer.alloc(32, 9).toString('base64')}`);
  expect(() => stranger.verify(request?.body ?? '', headers)).toThrow();
  const bare = SIGNING_SECRETS.map(secret => secret.slice('whsec_'.length));
  expect(findLeaks([...SIGNING_SECRETS, ...bare], desk.runs(), [desk.home])).toEqual([]);
});

test('two uploads of one recording at once: the second says so and exits with 6', async () => {
  const desk = openDesk(sandbox);
  const id = freshId();
  const dir = makeRecording({ name: id });
  const slow = sandbox.faults.add({
    server: 's3',
    operation: 'PutObject',
    key: `${id}/video.mkv`,
    action: { delayMs: 5_000 },
  });
  const first = desk.start(['upload', dir]);
  while (slow.hits() === 0) await new Promise(resolve => setTimeout(resolve, 20));
  const second = await desk.run(['upload', dir]);
  expect([second.code, second.stderr]).toEqual([6, expect.stringContaining('is at work on recording')]);
  expect((await first.result).code).toBe(0);
});
