import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, expect, test } from '@jest/globals';
import { openRuntime } from '../../src/app/runtime.ts';
import { sendWebhook } from '../../src/app/send.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

/** A way to a server that knows how many connections lead through it, and how many have. */
async function countedWay(url: string): Promise<{ url: string; made(): number; allClosed(): Promise<void> }> {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  let made = 0;
  const server = createServer(near => {
    made++;
    open.add(near);
    near.once('close', () => open.delete(near));
    const far = connect(Number(port), hostname);
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closers.push(() => server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    made: () => made,
    async allClosed() {
      for (const socket of open) await once(socket, 'close');
    },
  };
}

test('sending a webhook that only the bucket knows leaves no connection open', async () => {
  const sandbox = await openSandbox();
  const id = freshId();
  const uploaded = await openDesk(sandbox).run(['upload', makeRecording({ name: id }), '--quiet']);
  expect(uploaded.code).toBe(0);

  const [bucket, server] = [await countedWay(sandbox.s3.url), await countedWay(sandbox.receiver.baseUrl)];
  const desk = openDesk(sandbox);
  const webhook = new URL(sandbox.receiver.url).pathname;
  const env = { ...desk.env, RECORDUPLOAD_ENDPOINT: bucket.url, WEBHOOK_URL: `${server.url}${webhook}` };
  const { config } = await loadConfig({ cwd: desk.cwd, env });
  {
    await using runtime = openRuntime(config, { env, userAgent: 'test', uploadSource: 'test' });
    expect(await sendWebhook({ id }, runtime)).toMatchObject({
      deliveries: [{ outcome: 'delivered', action: 'updated' }],
      changes: [],
    });
  }
  expect([bucket.made(), server.made()]).toEqual([1, 1]);
  await Promise.all([bucket.allClosed(), server.allClosed()]);
});
