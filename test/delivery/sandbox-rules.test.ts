import { afterAll, describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox } from '../support/desk.ts';
import { findLeaks } from '../support/leaks.ts';
import { startCli } from '../support/run-cli.ts';
import { queue, SIGNING_SECRETS, secretFile, withState } from './support.ts';

interface Addresses {
  webhook: { url: string; token: string; recordings: string; authFailures: string };
}

const ends: (() => Promise<unknown>)[] = [];
afterAll(() => Promise.all(ends.map(end => end())));

/** Starts `recordupload sandbox` with these options, and reads where it listens. */
async function startSandboxCommand(...options: string[]): Promise<Addresses> {
  const running = startCli(['sandbox', '--json', ...options]);
  ends.push(() => {
    running.kill('SIGTERM');
    return running.result;
  });
  const text = await running.printed('\n}');
  return (JSON.parse(text) as { result: Addresses }).result;
}

const inProcess = await openSandbox();

/** A desk that sends to a sandbox command's server. */
function deskFor({ webhook }: Addresses, env: NodeJS.ProcessEnv = {}) {
  return openDesk(inProcess, { WEBHOOK_URL: webhook.url, WEBHOOK_TOKEN: webhook.token, ...env });
}
const authFailures = async ({ webhook }: Addresses) =>
  (await (await fetch(webhook.authFailures)).json()) as { address: string; reason: string }[];

describe('the sandbox’s recordings server, when asked to', () => {
  test('demands signatures; any of two secrets is good during a rotation', async () => {
    const [oldSecret = '', newSecret = ''] = SIGNING_SECRETS;
    const box = await startSandboxCommand('--webhook-secret-file', secretFile(oldSecret));
    const unsigned = deskFor(box);
    await queue(unsigned.stateDir, ['1']);
    expect((await unsigned.run(['retry'])).stdout).toContain('Invalid or missing webhook signature: signature missing');
    expect(await authFailures(box)).toMatchObject([{ address: '127.0.0.1', reason: 'signature missing' }]);

    const rotating = deskFor(box, { RECORDUPLOAD_WEBHOOK_SECRETS: `${newSecret},${oldSecret}` });
    await queue(rotating.stateDir, ['2']);
    expect((await rotating.run(['retry'])).code).toBe(0);
    expect((await rotating.run(['webhook', 'test', '--quiet'])).code).toBe(0);
    expect(findLeaks([...SIGNING_SECRETS, oldSecret.slice(6)], rotating.runs(), [rotating.home])).toEqual([]);

    const wrong = deskFor(box, { WEBHOOK_SECRET: newSecret });
    expect((await wrong.run(['webhook', 'test'])).stdout).toContain('signature invalid');
  });

  test('lets in only the addresses that are listed', async () => {
    const box = await startSandboxCommand('--allow-ip', '10.0.0.0/8', 'fd00::/8');
    const desk = deskFor(box);
    await queue(desk.stateDir, ['3']);
    expect((await desk.run(['retry'])).stdout).toContain('check the token, and whether this machine');
    expect(await authFailures(box)).toMatchObject([{ address: '127.0.0.1', reason: 'address not allowed' }]);
    const { code, stdout } = await desk.run(['webhook', 'test']);
    expect([code, stdout]).toEqual([5, expect.stringContaining('answer 403')]);
  });

  test('limits the rate; what it turns away is sent when it said', async () => {
    const box = await startSandboxCommand('--rate-limit', '3/s');
    const desk = deskFor(box);
    await queue(desk.stateDir, ['4', '5', '6', '7', '8']);
    await desk.run(['retry']);
    const turnedAway = await withState(desk.stateDir, ({ outbox }) => outbox.list({ states: ['pending'] }));
    expect(turnedAway.length).toBeGreaterThan(0);
    // A Retry-After that is shorter than the schedule's step does not use it up.
    expect(turnedAway.every(({ retries, attempts }) => retries === 0 && attempts === 1)).toBe(true);
    for (let left = turnedAway.length; left > 0; ) {
      await new Promise(resolve => setTimeout(resolve, 1000));
      await desk.run(['retry']);
      left = (await withState(desk.stateDir, ({ outbox }) => outbox.list({ states: ['pending'] }))).length;
    }
    const rows = (await (await fetch(box.webhook.recordings)).json()) as unknown[];
    expect(rows).toHaveLength(5);
  });

  test.each([
    [['--webhook-secret-file', '/nowhere/secret'], '/nowhere/secret cannot be read (ENOENT)'],
    [['--allow-ip', '10.0.0.0/99'], 'IP allow-list: "10.0.0.0/99"'],
    [['--rate-limit', 'fast'], '--rate-limit: "fast" is not a rate'],
  ])('%j is a usage error', async (options, message) => {
    const { code, stderr } = await startCli(['sandbox', ...options]).result;
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
