import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeCertificate } from '../support/certificate.ts';
import { EMAIL, openDesk, openSandbox, SECRETS } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { ask, cookieOf, openDashboard, type TestDashboard } from './support.ts';

const sandbox = await openSandbox({ receiver: { users: [EMAIL] } });
const TOKEN = 'fake-dashboard-token-1f93';
const open: TestDashboard[] = [];
afterAll(() => Promise.all(open.splice(0).map(one => one.close())));

async function start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const desk = openDesk(sandbox, env);
  const dashboard = await openDashboard(desk, args);
  open.push(dashboard);
  return { desk, dashboard };
}

/** A desk with a token for the dashboard. */
function tokenFile(): NodeJS.ProcessEnv {
  const desk = openDesk(sandbox);
  const file = join(desk.home, 'dashboard-token');
  writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
  return { RECORDUPLOAD_DASHBOARD_TOKEN_FILE: file };
}

/** An address of this machine that is not loopback. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find(one => one?.family === 'IPv4' && !one.internal)?.address;

describe('who may look', () => {
  let dashboard: TestDashboard;
  let cookie: string;
  beforeAll(async () => {
    ({ dashboard } = await start());
    cookie = await dashboard.signIn();
  });

  test('nobody who has not signed in sees anything: pages lead to the sign-in, everything else is refused', async () => {
    for (const path of ['/', '/recordings', '/recordings/3', '/webhooks', '/logs', '/doctor', '/actions/1', '/none']) {
      const page = await dashboard.ask(path);
      expect([path, page.status, page.headers.location]).toEqual([
        path,
        303,
        `/sign-in?to=${encodeURIComponent(path)}`,
      ]);
      expect((await dashboard.ask(path, { headers: { accept: 'application/json' } })).status).toBe(401);
    }
    for (const path of ['/events', '/logs/events', '/recordings/3/files/video.mkv'])
      expect((await dashboard.ask(path, { headers: { accept: '*/*' } })).status).toBe(401);
    expect((await dashboard.ask('/actions', { form: { action: 'retry' } })).status).toBe(401);
    expect((await dashboard.ask('/doctor', { form: {} })).status).toBe(401);
  });

  test('the printed address signs in once; looking whether it works does not use it up', async () => {
    const { dashboard: fresh } = await start();
    expect((await ask(new URL(fresh.signInAddress), { method: 'HEAD' })).headers['set-cookie']).toBeUndefined();
    const first = await ask(new URL(fresh.signInAddress));
    expect(first.status).toBe(200);
    expect((await fresh.ask('/', { cookie: cookieOf(first.headers) })).status).toBe(200);
    const second = await ask(new URL(fresh.signInAddress));
    expect([second.status, second.headers['set-cookie']]).toEqual([401, undefined]);
    // From the history of the browser that has used it.
    const again = await ask(new URL(fresh.signInAddress), { cookie: cookieOf(first.headers) });
    expect(again.body).toContain('http-equiv="refresh"');
  });

  test('the cookie is HttpOnly and SameSite=Strict, and a page of ours leads on: a redirect would come without it', async () => {
    const { dashboard: fresh } = await start();
    const { headers, body } = await ask(new URL(fresh.signInAddress));
    const [set = ''] = headers['set-cookie'] ?? [];
    expect(set).toMatch(/; HttpOnly(;|$)/);
    expect(set).toMatch(/; SameSite=Strict(;|$)/);
    expect(set).toMatch(/; Path=\/(;|$)/);
    expect(body).toContain('http-equiv="refresh" content="0;url=/"');
  });

  test('a cookie that was changed, or that another key has signed, counts for nothing', async () => {
    const [name, value = ''] = cookie.split(/=(.*)/);
    const [id, until, signature] = value.split('.');
    for (const forged of [
      'x',
      `${id}.${Number(until) + 1}.${signature}`,
      `${'A'.repeat(22)}.${until}.${signature}`,
      `${id}.${until}.${'A'.repeat(43)}`,
      '',
    ])
      expect((await dashboard.ask('/', { cookie: `${name}=${forged}` })).status).toBe(303);
    expect((await dashboard.ask('/', { cookie })).status).toBe(200);
  });

  test('ten wrong tokens a minute, then 429, also for the right one', async () => {
    const { dashboard: fresh } = await start();
    for (let tries = 0; tries < 10; tries++)
      expect((await fresh.ask('/sign-in', { form: { token: `wrong-${tries}` } })).status).toBe(401);
    const refused = await fresh.ask('/sign-in', { form: { token: 'wrong' } });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask(new URL(fresh.signInAddress))).status).toBe(429);
  });

  test('signing out ends the session, and needs the page’s token', async () => {
    const { dashboard: fresh } = await start();
    const own = await fresh.signIn();
    const changeToken = await fresh.changeToken(own);
    expect((await fresh.ask('/sign-out', { cookie: own, form: {} })).status).toBe(403);
    expect((await fresh.ask('/sign-out', { cookie: own, form: { changeToken } })).status).toBe(303);
    expect((await fresh.ask('/', { cookie: own })).status).toBe(303);
  });

  test('a sign-in leads to pages of the dashboard alone', async () => {
    for (const to of ['https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)'])
      expect((await dashboard.ask(`/sign-in?to=${encodeURIComponent(to)}`)).body).toContain('name="to" value="/"');
    expect((await dashboard.ask('/sign-in?to=/webhooks')).body).toContain('name="to" value="/webhooks"');
  });
});

describe('from where', () => {
  test.each([
    ['0.0.0.0:0', {}, 'without a token'],
    ['[::]:0', {}, 'without a token'],
    ['10.1.2.3:0', {}, 'without a token'],
    ['0.0.0.0:0', { token: true }, 'without TLS'],
  ])('listening on %s with %j is refused', async (listen, { token = false }: { token?: boolean }, why) => {
    const desk = openDesk(sandbox, token ? tokenFile() : {});
    const { code, stderr } = await desk.run(['dashboard', '--listen', listen, '--no-open']);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('the Host has to be ours: a page of another site cannot make its name lead here', async () => {
    const { dashboard } = await start();
    const cookie = await dashboard.signIn();
    const { port } = new URL(dashboard.address);
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1',
      `127.0.0.1:${Number(port) + 1}`,
      '10.0.0.1',
    ])
      expect((await dashboard.ask('/', { cookie, headers: { host } })).status).toBe(403);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`])
      expect((await dashboard.ask('/', { cookie, headers: { host } })).status).toBe(200);
    expect((await dashboard.ask('/sign-in', { headers: { host: 'evil.example' } })).status).toBe(403);
  });

  test('with a token and TLS it listens on all addresses; the cookie is Secure then', async () => {
    const env = tokenFile();
    const folder = join(env.RECORDUPLOAD_DASHBOARD_TOKEN_FILE ?? '', '..');
    const { cert, key } = makeCertificate(folder);
    const { dashboard } = await start(['--listen', '0.0.0.0:0'], {
      ...env,
      RECORDUPLOAD_DASHBOARD_TLS_CERT: cert,
      RECORDUPLOAD_DASHBOARD_TLS_KEY: key,
    });
    const { port } = new URL(dashboard.address);
    const at = (path: string) => new URL(path, `https://127.0.0.1:${port}`);
    const ca = readFileSync(cert, 'utf8');
    const { headers } = await ask(at('/sign-in'), { ca, form: { token: TOKEN } });
    expect(headers['set-cookie']?.[0]).toMatch(/; Secure(;|$)/);
    expect(headers['strict-transport-security']).toBeDefined();
    expect((await ask(at('/'), { ca, cookie: cookieOf(headers) })).status).toBe(200);
  });

  test('what a trusted proxy forwards counts: who asks, and that the way to it is encrypted', async () => {
    const { dashboard } = await start([], {
      ...tokenFile(),
      RECORDUPLOAD_DASHBOARD_TRUSTED_PROXIES: '127.0.0.0/8',
      RECORDUPLOAD_DASHBOARD_URL: 'https://recordings.example.com',
    });
    expect(dashboard.address).toBe('https://recordings.example.com');
    expect(dashboard.signInAddress).toMatch(/^https:\/\/recordings\.example\.com\/sign-in\?token=/);
    const at = (path: string) => new URL(path, `http://${dashboard.listensOn}`);
    const headers = (client: string) => ({
      host: 'recordings.example.com',
      'x-forwarded-proto': 'https',
      // The proxy adds to what the client has claimed.
      'x-forwarded-for': `198.51.100.1, ${client}`,
    });
    for (let tries = 0; tries < 10; tries++)
      await ask(at('/sign-in'), { headers: headers('203.0.113.9'), form: { token: 'wrong' } });
    const locked = await ask(at('/sign-in'), { headers: headers('203.0.113.9'), form: { token: TOKEN } });
    expect(locked.status).toBe(429);
    const other = await ask(at('/sign-in'), { headers: headers('203.0.113.10'), form: { token: TOKEN } });
    expect(other.headers['set-cookie']?.[0]).toMatch(/; Secure(;|$)/);
  });

  test('nobody else’s claims count: not who asks, not that it is encrypted', async () => {
    const { dashboard } = await start([], tokenFile());
    const headers = (client: number) => ({ 'x-forwarded-proto': 'https', 'x-forwarded-for': `203.0.113.${client}` });
    for (let tries = 0; tries < 10; tries++)
      await dashboard.ask('/sign-in', { headers: headers(tries), form: { token: 'wrong' } });
    expect((await dashboard.ask('/sign-in', { headers: headers(99), form: { token: TOKEN } })).status).toBe(429);
  });

  (outside === undefined ? test.skip : test)('a machine that is no trusted proxy is refused', async () => {
    const { dashboard } = await start(['--listen', '0.0.0.0:0'], {
      ...tokenFile(),
      RECORDUPLOAD_DASHBOARD_TRUSTED_PROXIES: '192.0.2.7',
    });
    const [, port] = dashboard.listensOn.split(':');
    // This machine's own outer address is none of the loopback's.
    expect((await ask(new URL(`http://${outside}:${port}/sign-in`))).status).toBe(403);
    expect((await ask(new URL(`http://127.0.0.1:${port}/sign-in`))).status).toBe(200);
  });
});

describe('changes', () => {
  let dashboard: TestDashboard;
  let cookie: string;
  let changeToken: string;
  beforeAll(async () => {
    ({ dashboard } = await start());
    cookie = await dashboard.signIn();
    changeToken = await dashboard.changeToken(cookie);
  });
  const form = { action: 'retry', now: '1' };

  test('each needs the token of the session’s own pages', async () => {
    for (const path of ['/actions', '/doctor', '/sign-out']) {
      expect((await dashboard.ask(path, { cookie, form })).status).toBe(403);
      expect((await dashboard.ask(path, { cookie, form: { ...form, changeToken: 'x' } })).status).toBe(403);
    }
    const { dashboard: other } = await start();
    const foreign = await other.changeToken(await other.signIn());
    expect((await dashboard.ask('/actions', { cookie, form: { ...form, changeToken: foreign } })).status).toBe(403);
    expect((await dashboard.ask('/actions', { cookie, form: { ...form, changeToken } })).status).toBe(303);
  });

  test('another site cannot ask for one, whatever it knows', async () => {
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of foreign) {
      const right = { ...form, changeToken };
      expect((await dashboard.ask('/actions', { cookie, form: right, headers })).status).toBe(403);
      expect((await dashboard.ask('/sign-in', { form: { token: 'x' }, headers })).status).toBe(403);
    }
  });

  test('a form that is too large is refused', async () => {
    const large = { ...form, changeToken, id: 'x'.repeat(300_000) };
    expect((await dashboard.ask('/actions', { cookie, form: large })).status).toBe(413);
  });

  test('a GET changes nothing', async () => {
    for (const path of ['/actions', '/sign-out']) expect((await dashboard.ask(path, { cookie })).status).toBe(404);
  });

  test('--read-only refuses every change and offers none', async () => {
    const { dashboard: wall } = await start(['--read-only']);
    const own = await wall.signIn();
    const token = await wall.changeToken(own);
    for (const path of ['/actions', '/doctor'])
      expect((await wall.ask(path, { cookie: own, form: { ...form, changeToken: token } })).status).toBe(403);
    expect((await wall.ask('/actions/new?action=retry&now=1', { cookie: own })).status).toBe(403);
    for (const path of ['/', '/webhooks', '/doctor'])
      expect((await wall.ask(path, { cookie: own })).body).not.toMatch(/\/actions\/new|Check now/);
  });
});

describe('what is said', () => {
  test('a strict Content-Security-Policy on every answer; from elsewhere come thumbnail and video alone', async () => {
    const { desk, dashboard } = await start();
    const cookie = await dashboard.signIn();
    await desk.run(['upload', makeRecording({ name: '3' })]);
    const policyOf = async (path: string) =>
      String((await dashboard.ask(path, { cookie })).headers['content-security-policy']);
    for (const path of ['/', '/recordings', '/webhooks', '/logs', '/doctor', '/sign-in', '/none']) {
      const policy = await policyOf(path);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|http:|https:|\*/);
    }
    const { origin } = new URL(sandbox.s3.url);
    expect(await policyOf('/recordings/3')).toContain(`media-src 'self' ${origin};`);
    expect(await policyOf('/recordings/3')).toContain("script-src 'self';");
  });

  test('no secret is in any answer', async () => {
    const { desk, dashboard } = await start();
    const cookie = await dashboard.signIn();
    sandbox.faults.add({
      server: 'webhook',
      action: { answer: { status: 400, body: `you sent ${SECRETS.token} and ${SECRETS.secretAccessKey}` } },
    });
    await desk.run(['upload', makeRecording({ name: '4' })]);
    sandbox.faults.clear();
    const pages = [
      '/',
      '/recordings',
      '/recordings/4',
      '/webhooks',
      '/logs',
      '/doctor',
      '/actions/new?action=retry&id=4',
    ];
    const bodies = [];
    for (const path of pages) {
      for (const accept of ['text/html', 'application/json']) {
        const { status, body } = await dashboard.ask(path, { cookie, headers: { accept } });
        expect([path, status]).toEqual([path, 200]);
        bodies.push(body);
      }
    }
    for (const secret of Object.values(SECRETS)) expect(bodies.join('\n')).not.toContain(secret);
  });

  test('links to the bucket are signed, and stop working after minutes', async () => {
    const { desk, dashboard } = await start();
    const cookie = await dashboard.signIn();
    await desk.run(['upload', makeRecording({ name: '5' })]);
    const { status, headers } = await dashboard.ask('/recordings/5/files/thumbnail.jpg', { cookie });
    const link = new URL(headers.location ?? '');
    expect([status, link.origin, link.pathname]).toEqual([
      302,
      new URL(sandbox.s3.url).origin,
      `/${sandbox.s3.bucket}/5/thumbnail.jpg`,
    ]);
    expect(Number(link.searchParams.get('X-Amz-Expires'))).toBeLessThanOrEqual(600);
    expect((await ask(link)).status).toBe(200);
    link.searchParams.set('X-Amz-Expires', '604800');
    expect((await ask(link)).status).toBe(403);
    expect((await dashboard.ask('/recordings/5/files/..%2f..%2fsecret', { cookie })).status).toBeGreaterThanOrEqual(
      400,
    );
  });

  test('the key of the sessions is this user’s alone, and browsers stay signed in over a restart', async () => {
    const { desk, dashboard } = await start();
    const file = join(desk.stateDir, 'dashboard.key');
    const cookie = await dashboard.signIn();
    // Looking makes no state folder.
    expect(existsSync(desk.stateDir)).toBe(false);
    await desk.run(['upload', makeRecording({ name: '6' })]);
    await dashboard.ask('/', { cookie });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { port } = new URL(dashboard.address);
    await dashboard.close();
    const third = await openDashboard(desk, ['--listen', `127.0.0.1:${port}`]);
    open.push(third);
    expect((await third.ask('/', { cookie })).status).toBe(200);
    // One that others can read signs nothing any more.
    await third.close();
    chmodSync(file, 0o644);
    const fourth = await openDashboard(desk, ['--listen', `127.0.0.1:${port}`]);
    open.push(fourth);
    expect((await fourth.ask('/', { cookie })).status).toBe(303);
  });
});
