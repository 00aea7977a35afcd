import { describe, expect, test } from '@jest/globals';
import { describeWithPostgres, useCluster } from '../state/postgres/support.ts';
import { type Desk, openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { QUICK, startWorker, until } from './support.ts';

/* Who shares a state may have different tokens for one endpoint: a refusal is about one token. */

const BAD = 'fake-bad-token-1';
const WORSE = 'fake-bad-token-2';
const sandbox = await openSandbox();
const isDelivered = (id: string) => sandbox.receiver.recording(id) !== undefined;
const refusals = () => sandbox.receiver.requests().filter(({ status }) => status === 401).length;

async function upload(desk: Desk, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const id = freshId();
  expect(await desk.run(['upload', makeRecording({ name: id })], { env })).toMatchObject({ code: 0 });
  return id;
}

describe('two configurations on one machine', () => {
  test('with another token: the worker sends what a refused upload has queued, each bad token costs one refusal', async () => {
    const desk = openDesk(sandbox, QUICK);
    const worker = await startWorker(sandbox, { desk });
    const before = refusals();
    for (let turn = 0; turn < 3; turn++) {
      for (const token of [BAD, WORSE]) {
        const id = await upload(desk, { WEBHOOK_TOKEN: token });
        await until(`${id} is delivered`, () => isDelivered(id));
        expect(webhooksOf(sandbox, id).filter(({ status }) => status === 201)).toHaveLength(1);
      }
    }
    expect(refusals() - before).toBe(2);
    await worker.stop();
  });

  test('a worker that starts with the corrected token sends what is held', async () => {
    const desk = openDesk(sandbox, { ...QUICK, WEBHOOK_TOKEN: BAD });
    const id = await upload(desk);
    expect((await desk.run(['status'])).stdout).toContain('endpoint default refuses the token');
    const corrected: Desk = {
      ...desk,
      start: (args, options) =>
        desk.start(args, { ...options, env: { ...options?.env, WEBHOOK_TOKEN: sandbox.receiver.token } }),
    };
    const worker = await startWorker(sandbox, { desk: corrected });
    await until(`${id} is delivered`, () => isDelivered(id));
    await worker.stop();
    expect((await desk.run(['status'])).stdout).not.toContain('refuses');
  });
});

describeWithPostgres('two machines of a fleet', () => {
  const stage = useCluster();
  const openMachines = async () => {
    const url = stage.cluster.url(await stage.cluster.createDatabase());
    const open = (machine: string, token: string) =>
      openDesk(sandbox, {
        ...QUICK,
        RECORDUPLOAD_STATE_URL: url,
        RECORDUPLOAD_MACHINE: machine,
        WEBHOOK_TOKEN: token,
      });
    return [open('studio-a', BAD), open('studio-b', sandbox.receiver.token), open('studio-c', WORSE)] as const;
  };

  test('with different tokens: the one that is good sends at once, and every view names the other one', async () => {
    const [a, b, c] = await openMachines();
    const before = refusals();
    // Nobody sends it as yet, so each machine finds out about its own token.
    const first = [await upload(a), await upload(c)];
    await c.run(['retry']);
    const worker = await startWorker(sandbox, { desk: b });
    for (const id of first) await until(`${id} is delivered`, () => isDelivered(id));
    for (const desk of [a, c, a, c]) {
      const id = await upload(desk);
      await until(`${id} is delivered`, () => isDelivered(id));
    }
    expect(refusals() - before).toBe(2);
    const says = 'refuses the token of studio-a, studio-c; others send its webhooks';
    expect((await b.run(['webhook', 'list'])).stdout).toContain(says);
    expect((await a.run(['status'])).stdout).toContain(`endpoint default ${says}`);
    expect((await b.run(['doctor'])).stdout).toContain(`endpoint default ${says}`);
    const { stdout } = await b.run(['webhook', 'list', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ result: { endpoints: [{ refusedOn: ['studio-a', 'studio-c'] }] } });
    await worker.stop();
  });

  test('with bad tokens: all is held, until one of them is corrected', async () => {
    const [a, , c] = await openMachines();
    const ids = [await upload(a), await upload(c), await upload(a)];
    const before = refusals();
    for (const desk of [a, c, a, c]) await desk.run(['retry']);
    expect(refusals()).toBe(before);
    expect((await a.run(['webhook', 'list'])).stdout).toMatch(/held 3 \(refused 3\)/);
    const corrected = { env: { WEBHOOK_TOKEN: sandbox.receiver.token } };
    expect(await c.run(['retry'], corrected)).toMatchObject({ code: 0, stdout: '3 of 3 webhooks delivered\n' });
    expect(ids.filter(isDelivered)).toEqual(ids);
    expect((await c.run(['status'])).stdout).toContain('refuses the token of studio-a; others send its webhooks');
    expect(await a.run(['retry'], corrected)).toMatchObject({ code: 0 });
    expect((await c.run(['status'])).stdout).not.toContain('refuses');
  });
});
