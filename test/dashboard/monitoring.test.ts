import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { openDashboard, type TestDashboard } from './support.ts';

/* What monitoring asks the dashboard for: /metrics, /healthz, /readyz. */

const sandbox = await openSandbox();
afterEach(() => sandbox.faults.clear());
const TOKEN = 'fake-dashboard-token-1f93';
const open: TestDashboard[] = [];
afterAll(() => Promise.all(open.splice(0).map(one => one.close())));

async function start({ withToken = false }: { withToken?: boolean } = {}) {
  const desk = openDesk(sandbox);
  const file = join(desk.home, 'dashboard-token');
  writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
  const env = withToken ? { RECORDUPLOAD_DASHBOARD_TOKEN_FILE: file } : {};
  const dashboard = await openDashboard({ ...desk, start: (args, options) => desk.start(args, { ...options, env }) });
  open.push(dashboard);
  const upload = (status?: number) => {
    if (status !== undefined) sandbox.faults.add({ server: 'webhook', action: { answer: { status } } });
    return desk.run(['upload', makeRecording({ name: freshId() })]);
  };
  return { desk, dashboard, upload };
}

describe('/metrics', () => {
  test('has the numbers of the command, in the format that is asked for', async () => {
    const { desk, dashboard, upload } = await start();
    await upload();
    const prometheus = await dashboard.ask('/metrics', { headers: { accept: 'text/plain' } });
    expect([prometheus.status, prometheus.headers['content-type']]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5';
    const { headers } = await dashboard.ask('/metrics', { headers: { accept } });
    expect(headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    const withoutRoom = (text: string) => text.replaceAll(/^(recordupload_disk_free_bytes\S*) .*$/gm, '$1');
    const { stdout } = await desk.run(['status', '--format', 'openmetrics']);
    expect(withoutRoom(prometheus.body)).toBe(withoutRoom(stdout));
    expect(prometheus.body).toContain('recordupload_recordings{state="done"} 1\n');
    if (spawnSync('promtool', ['--version']).status !== 0) return;
    expect(spawnSync('promtool', ['check', 'metrics'], { input: prometheus.body }).status).toBe(0);
  });

  test('wants the token where one is configured; ten wrong ones a minute, and the address waits', async () => {
    const { dashboard } = await start({ withToken: true });
    const ask = (authorization?: string) =>
      dashboard.ask('/metrics', { headers: authorization === undefined ? {} : { authorization } });
    expect((await ask(`Bearer ${TOKEN}`)).status).toBe(200);
    const without = await ask();
    expect([without.status, without.headers['www-authenticate'], without.body]).toEqual([
      401,
      'Bearer',
      expect.not.stringContaining('recordupload_'),
    ]);
    for (let tries = 0; tries < 10; tries++) expect((await ask('Bearer fake-wrong-token')).status).toBe(401);
    const refused = await ask(`Bearer ${TOKEN}`);
    expect([refused.status, Number(refused.headers['retry-after'])]).toEqual([429, expect.any(Number)]);
  });

  test('is refused under another name (DNS rebinding)', async () => {
    const { dashboard } = await start();
    for (const path of ['/metrics', '/readyz', '/healthz'])
      expect((await dashboard.ask(path, { headers: { host: 'evil.example' } })).status).toBe(403);
  });
});

describe('/healthz and /readyz', () => {
  test('need no sign-in, and say what was seen last of the state, the bucket and each endpoint', async () => {
    const { desk, dashboard, upload } = await start({ withToken: true });
    const ready = async () => {
      const { status, body } = await dashboard.ask('/readyz');
      return [status, JSON.parse(body) as unknown];
    };
    expect(await dashboard.ask('/healthz')).toMatchObject({ status: 200, body: 'alive\n' });
    const well = { ready: true, state: true, bucket: true, endpoints: { default: true } };
    expect(await ready()).toEqual([200, well]);
    await upload(503);
    expect(await ready()).toEqual([503, { ...well, ready: false, endpoints: { default: false } }]);
    await desk.run(['retry', '--now']);
    expect(await ready()).toEqual([200, well]);
    sandbox.faults.add({
      server: 's3',
      operation: 'PutObject',
      times: 99,
      action: { answer: { status: 403, code: 'AccessDenied' } },
    });
    await upload();
    expect(await ready()).toEqual([503, { ...well, ready: false, bucket: false }]);
  });

  test('say so when the state cannot be read', async () => {
    const { desk, dashboard, upload } = await start();
    await upload();
    writeFileSync(join(desk.stateDir, 'state.db'), 'this is no database at all, but long enough to look into');
    const { status, body } = await dashboard.ask('/readyz');
    expect([status, JSON.parse(body)]).toEqual([503, { ready: false, state: false, bucket: false, endpoints: {} }]);
    expect((await dashboard.ask('/metrics')).status).toBe(500);
    expect((await dashboard.ask('/healthz')).status).toBe(200);
  });
});
