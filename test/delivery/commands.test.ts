import { describe, expect, test } from '@jest/globals';
import { type Desk, openDesk, openSandbox, readJson } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { configure, endpointWithToken, NO_ENDPOINT, queue, withState } from './support.ts';

const sandbox = await openSandbox();
const received = (id: number) => sandbox.receiver.recording(id)?.received ?? 0;
const DAY = 86_400_000;

/** A desk whose outbox holds deliveries that were made, refused, … as asked. */
async function deskWith(ids: string[]): Promise<Desk> {
  const desk = openDesk(sandbox);
  await queue(desk.stateDir, ids);
  expect((await desk.run(['retry', '--quiet'])).code).toBe(0);
  return desk;
}

interface ListedEndpoint {
  name: string;
  enabled: boolean;
  counts: { pending: number; held: number; delivered: number };
}

describe('webhook list', () => {
  test('shows each endpoint, what waits for it and since when', async () => {
    const desk = await deskWith(['1001', '1002']);
    await queue(desk.stateDir, ['1003']);
    const { stdout, code } = await desk.run(['webhook', 'list']);
    expect(code).toBe(0);
    expect(stdout).toContain(`default  ${sandbox.receiver.url}  enabled`);
    expect(stdout).toContain('token set, not signed');
    expect(stdout).toContain('pending 1, held 0, delivered 2, superseded 0');
    expect(stdout).toMatch(/oldest waiting since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, due now/);
  });

  test('shows, with a warning, what is left of an endpoint that is not configured any more', async () => {
    const desk = openDesk(sandbox);
    await queue(desk.stateDir, ['1004', '1005'], ['old-server']);
    const { stdout, stderr } = await desk.run(['webhook', 'list']);
    expect(stderr).toContain('endpoint old-server is no longer in the configuration; 2 of its webhooks are not sent');
    expect(stdout).toContain('old-server  (not configured)  nothing is sent');
  });

  test('as JSON says the same, secrets only as set or unset', async () => {
    const desk = openDesk(sandbox, NO_ENDPOINT);
    configure(desk, {
      webhooks: [
        endpointWithToken('main', sandbox.receiver.url),
        endpointWithToken('off', 'https://127.0.0.1:1/', { enabled: false }),
      ],
    });
    const { result } = readJson<{ endpoints: ListedEndpoint[] }>(await desk.run(['webhook', 'list', '--json']));
    expect(result.endpoints).toMatchObject([
      { name: 'main', configured: true, enabled: true, token: 'set', signingSecrets: 0, oldestWaiting: null },
      { name: 'off', enabled: false, switchedOff: true },
    ]);
  });
});

describe('retry', () => {
  test('tells of webhooks that nothing sends, as their endpoint is not configured any more', async () => {
    const desk = openDesk(sandbox);
    await queue(desk.stateDir, ['1006', '1007'], ['old-server']);
    await queue(desk.stateDir, ['1008']);
    const says = 'endpoint old-server is no longer in the configuration; 2 of its webhooks are not sent';
    const sent = await desk.run(['retry']);
    expect(sent).toMatchObject({ code: 0, stderr: expect.stringContaining(`warning: ${says}`) });
    expect(sent.stdout).toContain('1 of 1 webhook delivered');
    const listed = await desk.run(['retry', '--list']);
    expect(listed.stderr).toContain(says);
    const unconfigured = [{ endpoint: 'old-server', count: 2 }];
    for (const options of [['--list'], []]) {
      const { result } = readJson<{ unconfigured: unknown }>(await desk.run(['retry', '--json', ...options]));
      expect(result.unconfigured).toEqual(unconfigured);
    }
    expect(await desk.run(['retry', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  test('that has nothing to do tells of what is held, and of the next command', async () => {
    const desk = openDesk(sandbox);
    await queue(desk.stateDir, ['1009']);
    const action = { answer: { status: 400 } };
    sandbox.faults.add({ server: 'webhook', operation: 'Webhook', action });
    const first = await desk.run(['retry']);
    expect(first).toMatchObject({ code: 5, stdout: expect.stringContaining('next: recordupload retry --held 1009') });
    const second = await desk.run(['retry']);
    expect(second).toMatchObject({ code: 5, stdout: expect.stringContaining('1 webhook held') });
    const { stdout } = await desk.run(['retry', '--list']);
    expect(stdout).toContain('next: recordupload status <id> shows why one is held');
  });
});

describe('webhook disable and enable', () => {
  test('keep deliveries back, and let them go', async () => {
    const desk = openDesk(sandbox);
    await queue(desk.stateDir, ['1010']);
    expect((await desk.run(['webhook', 'disable', 'default'])).stdout).toContain('is now disabled');
    expect((await desk.run(['retry'])).stdout).toContain('endpoint default is disabled');
    expect(received(1010)).toBe(0);
    expect((await desk.run(['webhook', 'list'])).stdout).toMatch(/disabled since .*: by an operator/);
    expect((await desk.run(['webhook', 'enable', 'default'])).stdout).toContain('is now enabled');
    expect((await desk.run(['webhook', 'enable', 'default'])).stdout).toContain('was already enabled');
    await desk.run(['retry']);
    expect(received(1010)).toBe(1);
  });

  test('of an endpoint that nobody knows is a usage error that names those there are', async () => {
    const { code, stderr } = await openDesk(sandbox).run(['webhook', 'disable', 'defualt']);
    expect(code).toBe(2);
    expect(stderr).toContain('there is no endpoint "defualt" (known: default)');
  });
});

describe('webhook history', () => {
  test('shows every try with what the server said', async () => {
    const desk = openDesk(sandbox);
    await queue(desk.stateDir, ['1020']);
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 503 } } });
    await desk.run(['retry']);
    await desk.run(['retry', '--now']);
    const { stdout } = await desk.run(['webhook', 'history', '1020']);
    expect(stdout).toMatch(/msg_[0-9a-f]{32} {2}to default, made .*: delivered .* after 2 attempts/);
    expect(stdout).toMatch(/1\. .* retry {2}status 503 in .* pending\n.*has a fault \(status 503\)/);
    expect(stdout).toMatch(/2\. .* retry {2}status 201 in .* delivered\n.*answer: \{"status":"success"/);
    const { result } = readJson<{ deliveries: unknown[] }>(await desk.run(['webhook', 'history', '1020', '--json']));
    expect(result).toMatchObject({
      recordingId: '1020',
      deliveries: [
        {
          endpoint: 'default',
          state: 'delivered',
          payload: { recording_id: 1020 },
          attempts: [
            { number: 1, trigger: 'retry', status: 503, outcome: 'pending', durationMs: expect.any(Number) },
            { number: 2, status: 201, outcome: 'delivered' },
          ],
        },
      ],
    });
  });

  test('of a recording that was never announced says so', async () => {
    const desk = openDesk(sandbox);
    expect(await desk.run(['webhook', 'history', '77'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('recording 77 is not known on this machine'),
    });
    await desk.run(['upload', makeRecording({ name: '77' }), '--no-webhook']);
    const { code, stdout } = await desk.run(['webhook', 'history', '77']);
    expect([code, stdout]).toEqual([0, 'no webhook of recording 77 is known on this machine\n']);
  });
});

describe('webhook replay', () => {
  test('sends again what was delivered in the window, with --yes', async () => {
    const desk = await deskWith(['1030', '1031']);
    const { stdout, code } = await desk.run(['webhook', 'replay', '--since', '1h', '--yes']);
    expect([code, stdout]).toEqual([0, '2 of 2 webhooks sent again\n']);
    expect([received(1030), received(1031)]).toEqual([2, 2]);
    expect((await desk.run(['webhook', 'history', '1030'])).stdout).toContain('  replay  status 200');
  });

  test('without a terminal says how many it would be, and needs --yes', async () => {
    const desk = await deskWith(['1032', '1033']);
    const { stderr, code } = await desk.run(['webhook', 'replay', '--since', '1h']);
    expect(code).toBe(2);
    expect(stderr).toContain('sending 2 webhooks again without a terminal needs --yes (look first with --dry-run)');
    const look = await desk.run(['webhook', 'replay', '--since', '1h', '--dry-run']);
    expect([look.code, look.stdout]).toEqual([
      0,
      expect.stringContaining('would send 2 webhooks again:\n  1032  default'),
    ]);
    expect([received(1032), received(1033)]).toEqual([1, 1]);
  });

  test('leaves out what is outside of the window, and what a newer payload has followed', async () => {
    const desk = await deskWith(['1034']);
    const future = await desk.run(['webhook', 'replay', '--since', '2d', '--until', '1d', '--yes']);
    expect([future.code, future.stdout]).toEqual([0, 'nothing to send again in that period\n']);
    await withState(desk.stateDir, ({ outbox }) =>
      outbox.enqueue({
        recordingId: '1034',
        endpoints: ['default'],
        payload: '{}',
        contentHash: 'newer',
        now: Date.now(),
      }),
    );
    await desk.run(['webhook', 'replay', '--since', '1h', '--yes']);
    expect(received(1034)).toBe(1);
  });

  test('--held sends what waits for an operator', async () => {
    const desk = openDesk(sandbox);
    await queue(desk.stateDir, ['1036']);
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
    await desk.run(['retry', '--quiet']);
    expect((await desk.run(['webhook', 'replay', '--since', '1h', '--yes'])).stdout).toContain('nothing to send again');
    const held = await desk.run(['webhook', 'replay', '--since', '1h', '--held', '--yes']);
    expect([held.code, received(1036)]).toEqual([0, 1]);
  });

  test('what the server does not take stays for retry, and the exit status is 5', async () => {
    const desk = await deskWith(['1037']);
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 503 } } });
    const { code, stdout } = await desk.run(['webhook', 'replay', '--since', '1h', '--yes']);
    expect([code, stdout]).toEqual([5, expect.stringContaining('0 of 1 webhook sent again\n1037: ')]);
    expect((await desk.run(['retry', '--now'])).code).toBe(0);
    expect(received(1037)).toBe(2);
  });

  test.each([
    [['--yes'], '--since is missing'],
    [['--since', 'yesterday'], '--since: "yesterday" is not a time'],
    [['--since', '1h', '--until', '2h'], '--since is not before --until'],
  ])('%j is a usage error', async (options, message) => {
    const { code, stderr } = await openDesk(sandbox).run(['webhook', 'replay', ...options]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe('prune', () => {
  test('removes what was delivered long ago, and never what waits', async () => {
    const desk = await deskWith(['1040']);
    const longAgo = Date.now() - 100 * DAY;
    await withState(desk.stateDir, async ({ outbox }) => {
      const request = { endpoints: ['default'], payload: '{"recording_id":1041}', now: longAgo };
      // The first is superseded by the second, which is still waiting.
      await outbox.enqueue({ recordingId: '1041', contentHash: 'a', ...request });
      await outbox.enqueue({ recordingId: '1041', contentHash: 'b', ...request });
    });
    expect((await desk.run(['prune', '--dry-run'])).stdout).toContain(
      'would delete 1 delivered or superseded webhook ',
    );
    expect((await desk.run(['prune'])).stdout).toContain('deleted 1 delivered or superseded webhook from before');
    expect((await desk.run(['prune', '--older-than', '0s'])).stdout).toContain('deleted 1 delivered');
    const left = await withState(desk.stateDir, ({ outbox }) => outbox.list({}));
    expect(left.map(({ recordingId, state }) => [recordingId, state])).toEqual([['1041', 'pending']]);
  });

  test('an age that is none is a usage error', async () => {
    const { code, stderr } = await openDesk(sandbox).run(['prune', '--older-than', 'long']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--older-than: "long" is not a duration')]);
  });
});
