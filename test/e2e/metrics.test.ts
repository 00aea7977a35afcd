import { spawnSync } from 'node:child_process';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

/* `status --format openmetrics` */

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

let sandbox: Sandbox;
let desk: Desk;
beforeEach(async () => {
  sandbox = await openSandbox();
  desk = openDesk(sandbox);
});

/** The samples, by name and labels. */
async function measure(): Promise<Record<string, number>> {
  const { code, stdout, stderr } = await desk.run(['status', '--format', 'openmetrics']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/# EOF\n$/);
  const samples = stdout.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    samples.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  );
}

describe('the numbers', () => {
  test('are there before anything has been uploaded, and leave no state behind', async () => {
    expect(await measure()).toMatchObject({
      'recordupload_recordings{state="done"}': 0,
      'recordupload_endpoint_enabled{endpoint="default"}': 1,
      recordupload_worker_running: 0,
    });
    expect((await desk.run(['status', '--json'])).stdout).toContain('"hasState": false');
  });

  test('say what was sent, what waits, what is held, and since when; status 0 although something is held', async () => {
    const [done, waits, held] = [freshId(), freshId(), freshId()];
    const upload = async (id: string) =>
      await desk.run(['upload', makeRecording({ name: id, files: { 'video.mkv': 'seven..' } })]);
    const before = Date.now() / 1000;
    await upload(done);
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 503 } } });
    await upload(waits);
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
    await upload(held);
    const numbers = await measure();
    expect(numbers).toMatchObject({
      'recordupload_recordings{state="done"}': 3,
      'recordupload_webhooks_waiting{endpoint="default"}': 1,
      'recordupload_webhooks_held{endpoint="default",reason="rejected"}': 1,
      'recordupload_upload_duration_seconds_count{outcome="done",run="first"}': 3,
      'recordupload_webhook_attempt_duration_seconds_count{endpoint="default",outcome="delivered",status="201",run="first"}': 1,
      'recordupload_webhook_attempt_duration_seconds_count{endpoint="default",outcome="pending",status="503",run="first"}': 1,
      'recordupload_webhook_attempt_duration_seconds_count{endpoint="default",outcome="held",status="400",run="first"}': 1,
      'recordupload_webhook_delivery_seconds_bucket{endpoint="default",le="+Inf"}': 1,
      'recordupload_webhook_delivery_seconds_count{endpoint="default"}': 1,
    });
    expect(numbers.recordupload_sent_file_size_bytes_sum).toBeGreaterThanOrEqual(3 * 7);
    for (const time of [
      'recordupload_last_success_timestamp_seconds{kind="upload"}',
      'recordupload_last_success_timestamp_seconds{kind="webhook"}',
      'recordupload_oldest_unfinished_timestamp_seconds{kind="webhook"}',
    ]) {
      expect(numbers[time]).toBeGreaterThan(before - 1);
      expect(numbers[time]).toBeLessThan(Date.now() / 1000 + 1);
    }
    const free = numbers[`recordupload_disk_free_bytes{folder="${desk.stateDir}"}`]!;
    expect(free).toBeGreaterThan(0);
    expect(free).toBeLessThanOrEqual(numbers[`recordupload_disk_size_bytes{folder="${desk.stateDir}"}`]!);
  });

  test('say that an endpoint is disabled', async () => {
    await desk.run(['webhook', 'disable', 'default']);
    expect((await measure())['recordupload_endpoint_enabled{endpoint="default"}']).toBe(0);
    await desk.run(['webhook', 'enable', 'default']);
    expect((await measure())['recordupload_endpoint_enabled{endpoint="default"}']).toBe(1);
  });

  (hasPromtool ? test : test.skip)('are found in order by promtool, from the first to the last', async () => {
    for (const step of ['nothing', 'uploaded']) {
      if (step === 'uploaded') await desk.run(['upload', makeRecording({ name: freshId() })]);
      const { stdout: input } = await desk.run(['status', '--format', 'openmetrics']);
      const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
      expect([step, status, stderr]).toEqual([step, 0, '']);
    }
  });
});

test.each([
  [['--watch'], '--watch cannot be used with --format openmetrics'],
  [['--json'], '--format openmetrics cannot be used with --json'],
  [['--quiet'], '--format openmetrics cannot be used with --quiet'],
  [['--machine', 'studio-a'], '--format openmetrics cannot be used with --machine'],
  [['42'], '--format openmetrics shows everything, not one recording'],
])('--format openmetrics with %j is refused', async (args, message) => {
  const { code, stderr, stdout } = await desk.run(['status', '--format', 'openmetrics', ...args]);
  expect(code).toBe(2);
  expect(stderr + stdout).toContain(message);
});
