import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openSandbox } from '../support/desk.ts';
import { moveIn, startWorker, until } from './support.ts';

/* What the worker tells people, and the heartbeat service. */

const sandbox = await openSandbox();
let chat: Server;
let said: { path: string; event: unknown }[];
beforeEach(async () => {
  said = [];
  chat = createServer((request, response) => {
    let text = '';
    request.on('data', chunk => {
      text += chunk;
    });
    request.on('end', () => {
      const { event } = text === '' ? {} : (JSON.parse(text) as { event?: string });
      said.push({ path: request.url ?? '', event });
      response.end();
    });
  });
  await new Promise<void>(resolve => chat.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  sandbox.faults.clear();
  return new Promise<unknown>(resolve => chat.close(resolve));
});

test('one alarm for three recordings that the server refuses, one all-clear, and a heartbeat while all is well', async () => {
  const base = `http://127.0.0.1:${(chat.address() as AddressInfo).port}`;
  const alerts = [{ url: `${base}/chat` }, { heartbeatUrl: `${base}/ping` }];
  const worker = await startWorker(sandbox, { env: { RECORDUPLOAD_ALERTS: JSON.stringify(alerts) } });
  const events = () => said.filter(({ path }) => path === '/chat').map(({ event }) => event);
  await until('the heartbeat is sent', () => said.some(({ path }) => path === '/ping'));
  expect(events()).toEqual([]);
  const { stdout } = await worker.desk.run(['status', '--format', 'openmetrics']);
  expect(stdout).toContain('recordupload_worker_running 1\n');
  expect(stdout).toMatch(/^recordupload_last_success_timestamp_seconds\{kind="worker"\} \d{10}/m);
  sandbox.faults.add({ server: 'webhook', times: 3, action: { answer: { status: 400 } } });
  for (let n = 0; n < 3; n++) moveIn(worker.root);
  await until('the alarm is sent', () => events().length > 0);
  await worker.desk.run(['retry', '--held']);
  await until('the all-clear is sent', () => events().includes('recovered'));
  expect(events()).toEqual(['held', 'recovered']);
  await worker.stop();
});
