import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

/* Alerts, as a chat, a command and a heartbeat service get them. */

let sandbox: Sandbox;
let desk: Desk;
let chat: Server;
/** What the chat was sent. */
let messages: { method: string; path: string; body: Record<string, unknown> }[];
/** What the chat answers. */
let status: number;

beforeEach(async () => {
  sandbox = await openSandbox();
  desk = openDesk(sandbox);
  messages = [];
  status = 200;
  chat = createServer((request, response) => {
    let text = '';
    request.on('data', chunk => {
      text += chunk;
    });
    request.on('end', () => {
      const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
      messages.push({ method: request.method ?? '', path: request.url ?? '', body });
      response.writeHead(status).end(status === 200 ? 'ok' : 'no_such_hook fake-hook-secret-1234');
    });
  });
  await new Promise<void>(resolve => chat.listen(0, '127.0.0.1', resolve));
});
afterEach(() => new Promise<unknown>(resolve => chat.close(resolve)));

const url = (path = '/hooks/fake-hook-secret-1234') =>
  `http://127.0.0.1:${(chat.address() as AddressInfo).port}${path}`;
const run = (args: string[], alerts: unknown[] = [{ url: url() }]) =>
  desk.run(args, { env: { RECORDUPLOAD_ALERTS: JSON.stringify(alerts) } });
const events = () => messages.map(({ body }) => [body.event, body.cause]);

/** Uploads a recording whose webhook gets this answer. */
async function uploadAnswered(answer: number, alerts?: unknown[]): Promise<string> {
  const id = freshId();
  if (answer !== 201) sandbox.faults.add({ server: 'webhook', action: { answer: { status: answer } } });
  expect((await run(['upload', makeRecording({ name: id })], alerts)).code).toBe(0);
  return id;
}

describe('a chat', () => {
  test('gets one message for many webhooks that are held, and one once they are delivered', async () => {
    await uploadAnswered(400);
    await uploadAnswered(400);
    await run(['retry']);
    expect(events()).toEqual([['held', 'held:default:rejected']]);
    expect(messages[0]?.body.text).toMatch(
      /^recordupload on .+: 1 webhook to default is held \(rejected\)\. Next: recordupload status$/,
    );
    expect((await run(['retry', '--held'])).code).toBe(0);
    expect(events()).toEqual([
      ['held', 'held:default:rejected'],
      ['recovered', 'held:default:rejected'],
    ]);
  });

  test('gets nothing while all is well', async () => {
    await uploadAnswered(201);
    await run(['retry']);
    expect(messages).toEqual([]);
  });

  test('that is down changes nothing of the upload; the message is sent later', async () => {
    status = 500;
    const id = await uploadAnswered(400);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(messages).toHaveLength(1);
    expect(desk.log()).toContain('alert failed');
    status = 200;
    // Its first pause is a random part of five seconds, at least one.
    for (let tries = 0; messages.length < 2 && tries < 40; tries++) {
      await new Promise(resolve => setTimeout(resolve, 200));
      await run(['retry']);
    }
    expect(events()).toEqual([
      ['held', 'held:default:rejected'],
      ['held', 'held:default:rejected'],
    ]);
    expect(desk.log()).toContain('alert sent');
  });

  test('gets only the events that it wants', async () => {
    const alerts = [
      { url: url('/held/fake-hook-secret-1234'), on: ['held'] },
      { url: url('/rest/fake-hook-secret-1234'), on: ['stuck', 'recovered'] },
    ];
    await uploadAnswered(400, alerts);
    await run(['retry', '--held'], alerts);
    expect(messages.map(({ path, body }) => [path.split('/')[1], body.event])).toEqual([['held', 'held']]);
  });

  test('gets a folder that was refused, and that an endpoint refuses the token', async () => {
    await run(['upload', makeRecording({ name: freshId(), files: { 'video.mkv': null } })]);
    await uploadAnswered(401);
    expect(events().map(([event]) => event)).toEqual(['failed', 'disabled']);
  });

  test('gets what has been stuck for longer than `after`', async () => {
    const alerts = [{ url: url(), after: '1s' }];
    await uploadAnswered(503, alerts);
    expect(messages).toEqual([]);
    await new Promise(resolve => setTimeout(resolve, 1_100));
    sandbox.faults.add({ server: 'webhook', times: 9, action: { answer: { status: 503 } } });
    await run(['retry'], alerts);
    expect(events()).toEqual([['stuck', 'stuck:webhook']]);
  });

  test('has a URL that is a secret: nothing shows it', async () => {
    status = 404;
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
    const uploaded = await run(['upload', '--verbose', makeRecording({ name: freshId() })]);
    expect(uploaded.stderr).toMatch(/→ POST http:\/\/127\.0\.0\.1:\d+\/hooks\/\*\*\* {2}404/);
    const shown = [uploaded, await run(['alerts', 'test']), await run(['config', 'show']), await run(['doctor'])];
    for (const { stdout, stderr } of shown) expect(stdout + stderr).not.toContain('fake-hook-secret-1234');
    const files = ['logs/app.log', 'state.db', 'state.db-wal']
      .map(name => join(desk.stateDir, name))
      .filter(file => existsSync(file));
    for (const file of files) expect(readFileSync(file, 'latin1')).not.toContain('fake-hook-secret-1234');
  });
});

describe('a command', () => {
  test('gets the alert on stdin and the event in a variable, and none of our secrets', async () => {
    const out = join(desk.home, 'alert.txt');
    const command = `{ cat; echo "$RECORDUPLOAD_ALERT_EVENT"; env; } > '${out}'`;
    await uploadAnswered(400, [{ command }]);
    const [body = '', event, ...environment] = readFileSync(out, 'utf8').split('\n');
    expect(JSON.parse(body)).toMatchObject({ version: 1, event: 'held', cause: 'held:default:rejected' });
    expect(event).toBe('held');
    expect(environment.join('\n')).not.toContain(sandbox.receiver.token);
    expect(environment.join('\n')).not.toContain(sandbox.s3.secretAccessKey);
  });

  test.each([
    ['exit 3', 'exit status 3'],
    ['echo broken >&2; exit 1', 'exit status 1: broken'],
    ['kill -9 $$', 'ended by SIGKILL'],
    ['/no/such/program', 'exit status 127'],
  ])('%s: the test says so', async (command, says) => {
    const { code, stdout } = await run(['alerts', 'test'], [{ command }]);
    expect([code, stdout]).toEqual([5, expect.stringContaining(says)]);
  });

  test('that leaves a process in the background does not hold anything up', async () => {
    expect((await run(['alerts', 'test'], [{ command: 'sleep 20 & exit 0' }])).code).toBe(0);
  });
});

describe('alerts test', () => {
  test('sends one message to everybody, and says what has arrived', async () => {
    const tested = await run(['alerts', 'test'], [{ url: url() }, { command: 'exit 1' }]);
    expect(tested.code).toBe(5);
    expect(tested.stdout).toMatch(/^✔ 127\.0\.0\.1:\d+ {2}sent\n✘ exit {2}exit status 1\n$/);
    expect(messages.map(({ body }) => body.event)).toEqual(['test']);
    const { result } = readJson<object>(await run(['alerts', 'test', '--json']));
    expect(result).toEqual({ alerts: [{ to: expect.stringContaining('127.0.0.1') as unknown, ok: true }] });
    expect(await run(['alerts', 'test', '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('says what to do if nobody gets alerts', async () => {
    const { code, stderr } = await run(['alerts', 'test'], []);
    expect(code).toBe(2);
    expect(stderr).toContain('nobody gets alerts');
    expect(stderr).toContain('docs/monitoring.md');
  });
});

describe('a heartbeat', () => {
  test('is sent after a good pass, and not after one in which something failed', async () => {
    const alerts = [{ heartbeatUrl: url('/ping/fake-hook-secret-1234') }];
    await run(['retry'], alerts);
    expect(messages.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /ping/fake-hook-secret-1234']);
    sandbox.faults.add({ server: 'webhook', times: 99, action: { answer: { status: 401 } } });
    await uploadAnswered(401, alerts);
    await run(['retry'], alerts);
    expect(messages).toHaveLength(1);
  });

  test('that fails is said, without its URL, and changes no exit status', async () => {
    status = 503;
    const { code, stderr } = await run(['retry'], [{ heartbeatUrl: url('/ping/fake-hook-secret-1234') }]);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/the heartbeat at 127\.0\.0\.1:\d+ could not be sent: status 503/),
    ]);
    expect(stderr).not.toContain('fake-hook-secret-1234');
  });
});

describe('the configuration', () => {
  test.each([
    [[{}], 'expected one of url, command and heartbeatUrl'],
    [[{ url: 'https://a.example/x', command: 'true' }], 'expected one of url, command and heartbeatUrl'],
    [[{ url: 'hooks/fake-hook-secret-1234' }], 'expected an https:// URL'],
    [[{ url: 'http://hooks.example.com/fake-hook-secret-1234' }], 'http:// would send alerts in the clear'],
    [
      [{ command: 'true', on: ['sunshine'] }],
      'expected an event (held, exhausted, disabled, stuck, failed, recovered), got "sunshine"',
    ],
    [[{ command: 'true', after: 'soon' }], 'expected a duration such as 15m or 2h, 30d at most, got "soon"'],
    [[{ heartbeatUrl: 'https://a.example/x', on: ['held'] }], 'a heartbeatUrl has no "on" and no "after"'],
    [[{ url: 'https://a.example/x', to: 'me' }], 'unknown key'],
    [['https://a.example/fake-hook-secret-1234'], 'expected a mapping of keys'],
  ])('%j is refused', async (alerts, says) => {
    const { code, stderr } = await run(['config', 'validate'], alerts as unknown[]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
    expect(stderr).not.toContain('fake-hook-secret-1234');
  });

  test('of a folder that is not trusted runs no command and tells nobody; once it is trusted, it does', async () => {
    const out = join(desk.home, 'pwned');
    writeFileSync(join(desk.cwd, '.recorduploadrc'), JSON.stringify({ alerts: [{ command: `touch '${out}'` }] }), {
      mode: 0o600,
    });
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
    const dir = makeRecording({ name: freshId() });
    const refused = await desk.run(['upload', dir]);
    expect([refused.code, existsSync(out)]).toEqual([2, false]);
    expect(refused.stderr).toContain('may not say who gets alerts, or which command runs');
    const trusted = await desk.run(['config', 'trust', '.recorduploadrc']);
    expect(trusted.stdout).toContain(`alerts: run touch '${out}'`);
    await desk.run(['upload', dir]);
    expect(existsSync(out)).toBe(true);
  });
});
