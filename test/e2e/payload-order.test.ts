import { expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox, readJson } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

/** The server has the first payload, and processes it that much later, whoever waits for the answer. */
const LATE_MS = 15_000;
const WAITS = /the webhook waits until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d because an older payload may still be arriving/;

interface Scene {
  sandbox: Sandbox;
  desk: Desk;
  id: string;
  dir: string;
}

/** An upload with the title "Old" that a signal ends while its payload is with the server. */
async function interruptedUpload(signal: NodeJS.Signals): Promise<Scene> {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox);
  const id = freshId();
  const dir = makeRecording({ name: id });
  sandbox.faults.add({ server: 'webhook', action: { lateMs: LATE_MS } });
  const run = desk.start(['upload', dir, '--title', 'Old']);
  while (!sandbox.receiver.requests()[0]?.body) await sleep(10);
  run.kill(signal);
  await run.result;
  return { sandbox, desk, id, dir };
}

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** The titles that the server was given, in the order in which it processed them. */
async function lastTitle({ sandbox, id }: Scene): Promise<unknown> {
  // Both payloads: the old one is late, not lost.
  while ((sandbox.receiver.recording(Number(id))?.received ?? 0) < 2) await sleep(50);
  return sandbox.receiver.recording(Number(id))?.payload.title;
}

async function newTitleAfter(signal: NodeJS.Signals): Promise<void> {
  const scene = await interruptedUpload(signal);
  const { code, stderr } = await scene.desk.run(['upload', scene.dir, '--title', 'New', '--strict']);
  expect(stderr).toMatch(WAITS);
  expect(code).toBe(0);
  expect(await lastTitle(scene)).toBe('New');
}

async function sentByHand(): Promise<void> {
  const scene = await interruptedUpload('SIGTERM');
  const { code, stderr } = await scene.desk.run(['webhook', 'send', scene.id, '--title', 'New']);
  expect(stderr).toMatch(WAITS);
  expect(code).toBe(0);
  expect(await lastTitle(scene)).toBe('New');
}

async function interruptedWait(): Promise<void> {
  const scene = await interruptedUpload('SIGKILL');
  const { desk, dir } = scene;
  const waiting = desk.start(['upload', dir, '--title', 'New', '--json', '--progress', 'json']);
  const events = await waiting.prints('webhook-waiting');
  expect(events).toContain(`"recordingId":"${scene.id}"`);
  waiting.kill('SIGINT');
  const { stdout, code } = await waiting.result;
  expect(code).toBe(130);
  const [recording] = JSON.parse(stdout).result.recordings;
  expect(recording.deliveries).toMatchObject([
    { outcome: 'pending', detail: expect.stringContaining('an older payload may still be arriving') },
  ]);
  expect(Date.parse(recording.deliveries[0].nextAt)).toBeGreaterThan(Date.now());
  const { exitCode, result } = readJson<{ deliveries: { outcome: string }[] }>(
    await desk.run(['retry', '--json', '-q']),
  );
  expect({ exitCode, outcomes: result.deliveries.map(({ outcome }) => outcome) }).toEqual({
    exitCode: 0,
    outcomes: ['delivered'],
  });
  expect(await lastTitle(scene)).toBe('New');
}

async function sameContent(): Promise<void> {
  const { desk, dir } = await interruptedUpload('SIGKILL');
  const { code, stderr } = await desk.run(['upload', dir, '--title', 'Old', '--strict']);
  expect(code).toBe(0);
  expect(stderr).not.toMatch(WAITS);
}

test('a newer payload waits until the older one of an interrupted run cannot arrive any more', async () => {
  await Promise.all([
    newTitleAfter('SIGKILL'),
    newTitleAfter('SIGINT'),
    sentByHand(),
    interruptedWait(),
    sameContent(),
  ]);
}, 120_000);
