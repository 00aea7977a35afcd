import { readdirSync } from 'node:fs';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

let sandbox: Sandbox;
let desk: Desk;
beforeEach(async () => {
  sandbox = await openSandbox();
  desk = openDesk(sandbox);
});

/** Uploads a recording whose webhook gets this answer once. Returns its id. */
async function uploadWithFailing(status: number): Promise<string> {
  const id = freshId();
  sandbox.faults.add({ server: 'webhook', action: { answer: { status } } });
  expect((await desk.run(['upload', makeRecording({ name: id }), '--quiet'])).code).toBe(0);
  return id;
}

describe('retry', () => {
  test('with nothing to do says so, and nothing at all with --quiet', async () => {
    expect(await desk.run(['retry'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^nothing to do: .*\n$/) as unknown,
    });
    expect(await desk.run(['retry', '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' });
    const { result } = readJson<object>(await desk.run(['retry', '--json']));
    expect(result).toMatchObject({ uploads: [], deliveries: [] });
  });

  test('needs no keys and no token where there is nothing to do', async () => {
    const env = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', WEBHOOK_TOKEN: '' };
    expect((await desk.run(['retry'], { env })).code).toBe(0);
  });

  test('sends what is due, --now also what is not due yet, --held also what is held', async () => {
    const pending = await uploadWithFailing(500);
    const held = await uploadWithFailing(400);
    const listed = await desk.run(['retry', '--list']);
    expect(listed.stdout).toMatch(new RegExp(`  ${pending} +default +(due|due in .*) +1 attempt\n`));
    expect(listed.stdout).toMatch(new RegExp(`  ${held} +default +held \\(rejected\\) +1 attempt\n`));
    expect(sandbox.receiver.recordings()).toEqual([]);

    const now = await desk.run(['retry', '--now']);
    expect(now).toMatchObject({ code: 0, stdout: '1 of 1 webhook delivered\n' });
    expect(sandbox.receiver.recordings().map(row => String(row.recording_id))).toEqual([pending]);
    const released = await desk.run(['retry', '--held', '--json']);
    expect(readJson<object>(released).result).toMatchObject({
      deliveries: [{ recordingId: held, outcome: 'delivered' }],
    });
    expect((await desk.run(['retry', '--list'])).stdout).toMatch(/^nothing to do/);
  });

  test('of one recording leaves the others alone', async () => {
    const [one, other] = [await uploadWithFailing(500), await uploadWithFailing(500)];
    expect((await desk.run(['retry', '--now', one])).code).toBe(0);
    expect(webhooksOf(sandbox, one)).toHaveLength(2);
    expect(webhooksOf(sandbox, other)).toHaveLength(1);
    const { result } = readJson<{ deliveries: object[] }>(await desk.run(['retry', '--list', '--json']));
    expect(result.deliveries).toMatchObject([{ recordingId: other }]);
  });

  test('that fails again exits with 5; with --quiet in one line that names the next command', async () => {
    const id = await uploadWithFailing(500);
    const times = Number.POSITIVE_INFINITY;
    sandbox.faults.add({ server: 'webhook', times, action: { answer: { status: 500 } } });
    const loud = await desk.run(['retry', '--now']);
    expect(loud.code).toBe(5);
    expect(loud.stdout).toContain('0 of 1 webhook delivered');
    expect(loud.stdout).toContain(`${id}: `);
    const quiet = await desk.run(['retry', '--now', '--quiet']);
    expect(quiet).toMatchObject({ code: 5, stdout: '' });
    expect(quiet.stderr).toMatch(/^recordupload retry: 0 of 1 webhook delivered; next: recordupload retry --list\n$/);
  });

  test('of a recording that is not known says so', async () => {
    const { code, stdout } = await desk.run(['retry', 'unheard-of']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^nothing to do/) as unknown });
  });

  test('leaves no lock files behind', async () => {
    await desk.run(['retry']);
    expect(readdirSync(`${desk.stateDir}/owners`)).toEqual([]);
  });
});
