import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

/*
 * A proxy of the environment sees what travels in the clear, tokens too. Whoever runs it must not get what is meant for
 * this machine itself, and a kind of proxy that we do not speak must not be passed by in silence.
 */
const sandbox = await openSandbox();

/** What reached the proxy. */
const seen: string[] = [];
const sockets = new Set<Socket>();
const proxy = createServer(socket => {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('data', bytes => {
    seen.push(bytes.toString('latin1'));
    socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n');
  });
});
let proxyUrl = '';
beforeAll(async () => {
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  proxyUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
beforeEach(() => {
  seen.length = 0;
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  proxy.close();
});

const COMMANDS = (dir: string) => [
  ['upload', dir],
  ['webhook', 'test'],
  ['webhook', 'send', '3'],
  ['verify', '3'],
  ['cleanup'],
  ['doctor'],
];

describe('What is meant for this machine itself', () => {
  test.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]'])('never goes through a proxy, as %s', async host => {
    const local = (url: string) => url.replace('127.0.0.1', host);
    const env = {
      RECORDUPLOAD_ENDPOINT: local(sandbox.s3.url),
      WEBHOOK_URL: local(sandbox.receiver.url),
      // `[::ffff:127.0.0.1]` is no name of this machine for the check of http://.
      RECORDUPLOAD_ALLOW_INSECURE: 'true',
    };
    const proxies = Object.fromEntries(
      ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY'].map(name => [name, proxyUrl]),
    );
    const desk = openDesk(sandbox, { ...env, ...proxies });
    for (const args of COMMANDS(makeRecording({ name: '3' })))
      expect([args, (await desk.run(args)).code]).toEqual([args, 0]);
    expect(seen).toEqual([]);
  });

  test('does not mind a proxy of a kind that we do not speak', async () => {
    const desk = openDesk(sandbox, { ALL_PROXY: 'socks5h://127.0.0.1:1080', HTTP_PROXY: 'no address at all' });
    for (const args of COMMANDS(makeRecording({ name: '3' })))
      expect([args, (await desk.run(args)).code]).toEqual([args, 0]);
  });
});

describe('A kind of proxy that we do not speak', () => {
  const elsewhere = {
    RECORDUPLOAD_ENDPOINT: 'https://s3.example.invalid',
    WEBHOOK_URL: 'https://ops.example.invalid/',
    HTTPS_PROXY: 'socks5://ada:fake-proxy-password@127.0.0.1:1080',
  };

  test.each([
    [['upload'], 2],
    [['webhook', 'test'], 2],
    [['verify', '3'], 2],
    [['cleanup'], 2],
  ])('is refused by name: %s', async (args, code) => {
    const desk = openDesk(sandbox, elsewhere);
    const run = await desk.run(args[0] === 'upload' ? ['upload', makeRecording()] : args);
    expect([run.code, run.stderr]).toEqual([
      code,
      expect.stringContaining('HTTPS_PROXY: socks5:// proxies are not supported'),
    ]);
    expect(run.stdout + run.stderr).not.toContain('fake-proxy-password');
  });

  test('is what doctor says of each server', async () => {
    const { code, stdout, stderr } = await openDesk(sandbox, elsewhere).run(['doctor']);
    expect(code).not.toBe(0);
    const lines = (stdout + stderr).split('\n').filter(line => line.includes('socks5:// proxies are not supported'));
    expect(lines.length).toBeGreaterThanOrEqual(2);
    expect(stdout + stderr).not.toContain('fake-proxy-password');
  });

  test('leaves webhooks that wait as they are', async () => {
    const desk = openDesk(sandbox, { WEBHOOK_URL: elsewhere.WEBHOOK_URL });
    await desk.run(['upload', makeRecording({ name: '4' })]);
    const socks = { env: { ...desk.env, HTTPS_PROXY: elsewhere.HTTPS_PROXY } };
    const refused = await desk.run(['retry', '--now'], socks);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('socks5:// proxies are not supported')]);
    // Without anything to send, nobody minds.
    expect((await openDesk(sandbox, elsewhere).run(['retry', '--list'])).code).toBe(0);
    const { stdout } = await desk.run(['webhook', 'history', '4']);
    expect(stdout).toContain('after 1 attempt');
  });

  test('does no harm where nothing is sent', async () => {
    const { code } = await openDesk(sandbox, elsewhere).run(['upload', makeRecording(), '--dry-run']);
    expect(code).toBe(0);
  });

  test('does no harm to hosts of NO_PROXY: they are asked for directly', async () => {
    const desk = openDesk(sandbox, { ...elsewhere, NO_PROXY: '.invalid' });
    const { stdout, stderr } = await desk.run(['webhook', 'test']);
    expect(stdout + stderr).toContain('the name ops.example.invalid could not be resolved');
  });
});
