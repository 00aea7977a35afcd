import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type Desk, openDesk, openSandbox, SECRETS } from '../support/desk.ts';
import { findLeaks } from '../support/leaks.ts';
import { makeRecording } from '../support/make-recording.ts';

/*
 * Servers get secrets, and show them to whoever made them fail: debug pages, error messages, careless gateways. Nothing of
 * that reaches a terminal, the log or the state, however it is written.
 */
const sandbox = await openSandbox();
const ends: (() => void)[] = [];
afterAll(() => {
  for (const end of ends) end();
});

const TOKEN = "fake:tok/of-nobody+at'all&7f3a9c";
const hex = (text: string) => Buffer.from(text).toString('hex');
const quote = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, c => `%${hex(c)}`);
const ECHOES: [how: string, echo: string][] = [
  ["Python's quote()", quote(TOKEN).toLowerCase()],
  ['URL-encoding, twice', quote(quote(TOKEN))],
  ["Django's escape()", TOKEN.replace(/['&/]/g, c => `&#x${hex(c)};`)],
  ['decimal entities', [...TOKEN].map(c => `&#${c.charCodeAt(0)};`).join('')],
  ["Python's repr", `'${TOKEN.replace("'", "\\'")}'`],
  ['bytes in repr', [...TOKEN].map(c => `\\x${hex(c)}`).join('')],
  ['base64', Buffer.from(`u:${TOKEN}`).toString('base64')],
  ['base64 with line breaks', Buffer.from(TOKEN).toString('base64').replace(/.{7}/g, '$&\n')],
  ['an excerpt', `${TOKEN.slice(0, 10)}...`],
  ['the end', `...${TOKEN.slice(-9)}`],
  ['a line break in its middle', `${TOKEN.slice(0, 7)}\n  ${TOKEN.slice(7)}`],
];
/** Eight characters of an echo in a row are too many. */
const partsOf = (text: string) =>
  Array.from({ length: text.length - 7 }, (_, at) => text.slice(at, at + 8)).filter(part => !/\s/.test(part));

/** Whatever shows a failed webhook again. */
const SHOWN_BY = [
  ['webhook', 'test', '--verbose'],
  ['webhook', 'test', '--json'],
  ['webhook', 'send', '3'],
  ['webhook', 'history', '3', '--json'],
  ['status', '3'],
  ['logs', '--json'],
  ['doctor', '--json'],
];

async function runAll(desk: Desk, more: readonly string[][] = []): Promise<string> {
  await desk.run(['upload', makeRecording({ name: '3' })]);
  for (const args of [...SHOWN_BY, ...more]) await desk.run(args);
  return desk
    .runs()
    .map(({ stdout, stderr }) => stdout + stderr)
    .join('\n');
}

describe('A token that comes back', () => {
  test.each(ECHOES)('in %s is shown nowhere', async (how, echo) => {
    const isPage = ECHOES.findIndex(([other]) => other === how) % 2 === 1;
    const body = isPage
      ? `<!doctype html><title>${echo}</title><pre>HTTP_X_WEBHOOK_TOKEN = ${echo}</pre>`
      : JSON.stringify({ status: 'error', message: `bad token ${echo}` });
    const headers = { location: `/login/${encodeURIComponent(echo)}`, server: quote(echo) };
    const answer = { status: isPage ? 302 : 400, headers, body };
    const fault = sandbox.faults.add({ server: 'webhook', times: Number.POSITIVE_INFINITY, action: { answer } });
    const desk = openDesk(sandbox, { WEBHOOK_TOKEN: TOKEN });
    const shown = await runAll(desk);
    fault.remove();
    const parts = [...partsOf(echo), ...partsOf(TOKEN), ...partsOf(quote(echo))];
    expect(parts.filter(part => shown.includes(part))).toEqual([]);
    expect(findLeaks(partsOf(TOKEN), [], [desk.home])).toEqual([]);
    expect(shown).toMatch(/not shown: a secret may be in it|\*\*\*/);
  });
});

describe('The query of webhook.url', () => {
  test('is a secret: it is sent, and shown nowhere', async () => {
    const secret = 'fake-key-in-the-query-91c4';
    const desk = openDesk(sandbox, { WEBHOOK_URL: `${sandbox.receiver.url}?key=${secret}&v=2` });
    const shown = await runAll(desk, [
      ['config', 'show'],
      ['webhook', 'list'],
      ['webhook', 'list', '--json'],
    ]);
    expect(partsOf(`?key=${secret}`).filter(part => shown.includes(part))).toEqual([]);
    expect(findLeaks([secret], [], [desk.home])).toEqual([]);
    expect(shown).toContain(`${sandbox.receiver.url}?…`);
  });

  test('is left out of the command that is to be run next', async () => {
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 503 } } });
    const url = `${sandbox.receiver.url}?key=fake-key-in-the-query-91c4`;
    const { stdout, stderr } = await openDesk(sandbox).run(['upload', makeRecording(), '--webhook-url', url]);
    expect(stdout).toContain(`--webhook-url '${sandbox.receiver.url}?…'`);
    expect(stdout + stderr).not.toContain('fake-key');
  });
});

describe('A store', () => {
  test.each([
    ['its code is a command for the terminal', '\u001b[2J\u001b]0;pwned\u0007'],
    ['its code is a page', 'A'.repeat(5_000)],
    ['its code is the key', SECRETS.secretAccessKey.replaceAll('fake', 'FAKE')],
  ])('is quoted only where that does no harm: %s', async (_, code) => {
    const escaped = [...code].map(c => `&#${c.charCodeAt(0)};`).join('');
    const body = `<?xml version="1.0"?><Error><Code>${escaped}</Code><Message>no</Message></Error>`;
    const fault = sandbox.faults.add({
      server: 's3',
      times: Number.POSITIVE_INFINITY,
      action: { answer: { status: 400, headers: { 'content-type': 'application/xml' }, body } },
    });
    const desk = openDesk(sandbox);
    for (const args of [['upload', makeRecording()], ['verify', '3'], ['doctor'], ['doctor', '--json'], ['logs']]) {
      const { stdout, stderr } = await desk.run(args);
      expect(stdout + stderr).not.toContain(code);
      expect(stdout + stderr).not.toMatch(/\u001b\]|A{65}/);
    }
    fault.remove();
  });
});

describe('A proxy', () => {
  test('that repeats its password is quoted by its status alone', async () => {
    const sockets = new Set<Socket>();
    const password = 'fake-proxy-password-4b1d';
    const proxy = createServer();
    proxy.on('connection', (socket: Socket) => sockets.add(socket));
    proxy.on('connect', (request, socket: Socket) => {
      const given = String(request.headers['proxy-authorization']);
      socket.on('error', () => {});
      socket.end(`HTTP/1.1 407 ${given} ${password}\r\n\r\n`);
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    ends.push(() => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });
    const desk = openDesk(sandbox, {
      HTTPS_PROXY: `http://ada:${password}@127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      RECORDUPLOAD_ENDPOINT: 'https://s3.example.invalid',
      RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '1s',
      WEBHOOK_URL: 'https://ops.example.invalid/',
    });
    for (const args of [['webhook', 'test'], ['doctor'], ['verify', '3'], ['upload', makeRecording({ name: '3' })]]) {
      const { stdout, stderr } = await desk.run(args);
      const secrets = [...partsOf(password), Buffer.from(`ada:${password}`).toString('base64').slice(8)];
      expect(secrets.filter(part => `${stdout}${stderr}`.includes(part))).toEqual([]);
    }
  }, 60_000);
});

describe('A URL that cannot be one', () => {
  test.each([
    'https://ada:fake/pass#word@ops.example.com/',
    'https://ada:fake-password@ops.example.com:99999/?key=fake-key',
    'https:/ada:fake-password@ops example.com',
    'ada:fake-password@ops.example.com/?key=fake-key',
    'ftp://ada:fake-password@ops.example.com/',
    `https://${'x'.repeat(100)}:fake-password@ops.example.com/`,
    'ops.example.com/hook?key=fake-key',
  ])('is shown without its secrets: %s', async url => {
    const desk = openDesk(sandbox, { WEBHOOK_URL: undefined });
    const config = { webhook: { url }, endpoint: url, publicBaseUrl: url };
    writeFileSync(join(desk.cwd, '.recorduploadrc'), JSON.stringify(config), { mode: 0o600 });
    mkdirSync(join(desk.home, 'x'));
    for (const env of [{}, { WEBHOOK_URL: url, RECORDUPLOAD_ENDPOINT: url }]) {
      for (const args of [['config', 'validate'], ['config', 'show', '--json'], ['doctor'], ['status']]) {
        const { code, stdout, stderr } = await desk.run(args, { env: { ...desk.env, ...env } });
        expect(code).not.toBe(1);
        expect(stdout + stderr).not.toMatch(/fake|word@|x{90}/);
      }
    }
  });
});
