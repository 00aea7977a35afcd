import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { shapeOf } from '../cli/shape.ts';
import { describeWithPostgres } from '../state/postgres/support.ts';
import { type Desk, openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { type Cluster, startCluster } from '../support/postgres.ts';

interface Moved {
  moved: { recordings: number; files: number; webhooks: number; queued: number };
  kept: { recordingId: string; machine: string }[];
  backup: string | null;
}

describeWithPostgres('state move', () => {
  let sandbox: Sandbox;
  let cluster: Cluster;
  let url: string;
  beforeAll(async () => {
    sandbox = await openSandbox();
    cluster = await startCluster();
  });
  afterAll(async () => {
    await cluster?.remove();
  });
  beforeEach(async () => {
    url = cluster.url(await cluster.createDatabase());
  });

  const openMachine = (machine = 'studio-a'): Desk =>
    openDesk(sandbox, { RECORDUPLOAD_MACHINE: machine, RECORDUPLOAD_SETTLE: '0s' });
  const fleet = () => ({ RECORDUPLOAD_STATE_URL: url });
  const deaf = { WEBHOOK_URL: 'http://127.0.0.1:9/webhook' };
  const move = async (desk: Desk, to: string, ...more: string[]) =>
    readJson<Moved>(await desk.run(['state', 'move', '--to', to, '--json', ...more], { env: fleet() }));

  test('moves what was uploaded and what waits, and each webhook is sent once', async () => {
    const desk = openMachine();
    const [sent, waiting, queued] = [freshId(), freshId(), freshId()];
    await desk.run(['upload', makeRecording({ name: sent })]);
    await desk.run(['upload', makeRecording({ name: waiting })], { env: deaf });
    await desk.run(['enqueue', makeRecording({ name: queued })]);
    const would = await move(desk, 'postgres', '--dry-run');
    expect(would.result.moved).toMatchObject({ recordings: 2, files: 6, webhooks: 2, queued: 1 });
    const { result } = await move(desk, 'postgres');
    expect(shapeOf(result)).toEqual({
      to: 'string',
      dryRun: 'boolean',
      machine: 'string',
      database: 'string',
      moved: {
        recordings: 'number',
        files: 'number',
        parts: 'number',
        webhooks: 'number',
        attempts: 'number',
        queued: 'number',
      },
      alreadyThere: 'number',
      kept: [],
      backup: 'string',
    });
    expect(result.moved).toEqual(would.result.moved);
    expect(statSync(result.backup!).mode & 0o777).toBe(0o600);

    const old = await desk.run(['retry']);
    expect(old.code).toBe(2);
    expect(old.stderr.trim().split('\n')).toHaveLength(1);
    expect(old.stderr).toContain('was moved into PostgreSQL at 127.0.0.1');
    expect((await desk.run(['status'])).code).toBe(2);

    const retried = await desk.run(['retry', '--now'], { env: fleet() });
    expect(retried).toMatchObject({ code: 0 });
    expect([sent, waiting, queued].map(id => webhooksOf(sandbox, id).length)).toEqual([1, 1, 1]);
    expect((await desk.run(['list'], { env: fleet() })).stdout).toContain(sent);

    await move(desk, 'sqlite');
    expect((await desk.run(['list'])).stdout).toContain(queued);
    await desk.run(['retry', '--now']);
    expect([sent, waiting, queued].map(id => webhooksOf(sandbox, id).length)).toEqual([1, 1, 1]);
    const gone = await desk.run(['retry'], { env: fleet() });
    expect({ code: gone.code, stderr: gone.stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('was moved out of PostgreSQL'),
    });
  });

  test('names a recording whose ID another machine has, and moves the others', async () => {
    const id = freshId();
    const first = openMachine('studio-a');
    await first.run(['upload', makeRecording({ name: id })], { env: fleet() });
    const second = openMachine('studio-b');
    const own = freshId();
    await second.run(['upload', makeRecording({ name: own })]);
    await second.run(['upload', '--force', makeRecording({ name: id })]);
    const moved = await second.run(['state', 'move', '--to', 'postgres'], { env: fleet() });
    expect(moved.code).toBe(3);
    expect(moved.stdout).toContain(`not moved: ${id} (machine studio-a has a recording with this ID`);
    expect((await second.run(['list', '--json'], { env: fleet() })).stdout).toContain(`"${own}"`);
  });

  test('refuses while the worker works, and moves nothing', async () => {
    const desk = openMachine();
    const worker = desk.start(['watch', '--progress', 'plain', makeRecording()]);
    await worker.prints('watching');
    const { code, stderr } = await desk.run(['state', 'move', '--to', 'postgres'], { env: fleet() });
    expect(code).toBe(6);
    expect(stderr).toContain('works on the state; nothing was moved');
    worker.kill('SIGTERM');
    await worker.result;
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(readdirSync(desk.stateDir).filter(name => name.includes('moved'))).toEqual([]);
    expect(existsSync(join(desk.stateDir, 'state.db'))).toBe(true);
  });

  test('says what is missing', async () => {
    const desk = openMachine();
    expect(await desk.run(['state', 'move', '--to', 'postgres'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('stateUrl is missing'),
    });
    expect(await desk.run(['state', 'move'], { env: fleet() })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nothing says where the state is to be moved'),
    });
  });
});
