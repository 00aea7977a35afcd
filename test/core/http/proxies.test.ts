import { describe, expect, test } from '@jest/globals';
import { isLoopback, proxyFor } from '../../../src/core/http/proxies.ts';

const HTTPS_PROXY = 'http://proxy.example:3128';
const throughIt = (url: string, env: NodeJS.ProcessEnv) => proxyFor(new URL(url), env)?.url.href;
const isDirect = (url: string, NO_PROXY: string) =>
  throughIt(url, { HTTPS_PROXY, HTTP_PROXY: HTTPS_PROXY, NO_PROXY }) === undefined;

describe('The proxy of a URL', () => {
  test.each([
    ['https://s3.example/', { HTTPS_PROXY: ' proxy:3128 ' }, 'http://proxy:3128/'],
    ['https://s3.example/', { https_proxy: 'https://proxy' }, 'https://proxy/'],
    ['https://s3.example/', { https_proxy: 'lower', HTTPS_PROXY: 'upper' }, 'http://lower/'],
    ['http://s3.example/', { HTTPS_PROXY: 'secure', HTTP_PROXY: 'plain' }, 'http://plain/'],
    ['http://s3.example/', { HTTPS_PROXY: 'secure' }, undefined],
    ['https://s3.example/', { ALL_PROXY: 'all' }, 'http://all/'],
    ['https://s3.example/', { all_proxy: 'all', HTTPS_PROXY: 'secure' }, 'http://secure/'],
    ['https://s3.example/', { HTTPS_PROXY: '', NO_PROXY: 'a' }, undefined],
    ['https://s3.example/', {}, undefined],
  ])('%s with %o is %s', (url, env, expected) => {
    expect(throughIt(url, env)).toBe(expected);
  });

  test('has the name of the variable that names it', () => {
    const env = { https_proxy: '', HTTPS_PROXY: 'proxy', http_proxy: 'other' };
    expect(proxyFor(new URL('https://s3.example/'), env)?.variable).toBe('HTTPS_PROXY');
    expect(proxyFor(new URL('http://s3.example/'), env)?.variable).toBe('http_proxy');
  });

  test.each([
    'http://127.0.0.1:9000/',
    'http://127.8.9.10/',
    'http://127.1/',
    'http://0x7f000001/',
    'http://[::1]:9000/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f01:203]/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://s3.localhost/',
  ])('%s is none: it is this machine', url => {
    expect(isLoopback(new URL(url))).toBe(true);
    expect(isDirect(url, '')).toBe(true);
  });

  test.each(['http://128.0.0.1/', 'http://[::2]/', 'http://notlocalhost/', 'http://localhost.example/'])(
    '%s is not this machine',
    url => expect(isDirect(url, '')).toBe(false),
  );
});

describe('NO_PROXY', () => {
  test.each([
    ['*', 'https://s3.example/', true],
    ['s3.example', 'https://s3.example/', true],
    ['S3.Example', 'https://s3.example/', true],
    ['s3.example.', 'https://s3.example/', true],
    ['s3.example', 'https://s3.example./', true],
    ['example', 'https://s3.example/', true],
    ['example', 'https://s3example/', false],
    ['.example', 'https://s3.example/', true],
    ['.example', 'https://example/', true],
    ['*.example', 'https://s3.example/', true],
    ['*.example', 'https://example/', false],
    ['a, b s3.example', 'https://s3.example/', true],
    ['s3.example:443', 'https://s3.example/', true],
    ['s3.example:8443', 'https://s3.example/', false],
    ['s3.example:80', 'http://s3.example/', true],
    ['bücher.example', 'https://xn--bcher-kva.example/', true],
    ['10.0.0.0/8', 'https://10.200.3.4/', true],
    ['10.0.0.0/8', 'https://11.0.0.1/', false],
    ['10.0.0.0/8:9000', 'http://10.0.0.1:9000/', true],
    ['10.1.2.3/32', 'https://10.1.2.3/', true],
    ['10.0.0.0/99', 'https://10.0.0.0/', false],
    ['10.0.0.0/8', 'https://10.example/', false],
    ['10.0.0.5', 'https://10.0.0.5/', true],
    ['10.0.0.5:9000', 'http://10.0.0.5:9000/', true],
    ['10.0.0.1-10.0.0.9', 'https://10.0.0.5/', true],
    ['10.0.0.0/8', 'https://[::ffff:10.1.2.3]/', true],
    ['fd00::/8', 'https://[fd12::1]/', true],
    ['fd00::/8', 'https://[fe80::1]/', false],
    ['[fd12::1]:9000', 'http://[fd12::1]:9000/', true],
    ['fd12:0::1', 'http://[fd12::1]:9000/', true],
    [', ,', 'https://s3.example/', false],
    ['.', 'https://s3.example/', false],
  ])('%s and %s: %s', (list, url, expected) => {
    expect(isDirect(url, list)).toBe(expected);
  });

  test('counts in lower case, too, and that first', () => {
    const env = { HTTPS_PROXY, no_proxy: 's3.example', NO_PROXY: 'other' };
    expect(throughIt('https://s3.example/', env)).toBeUndefined();
  });
});

describe('A proxy that cannot be used', () => {
  test.each(['socks4', 'socks5', 'socks5h', 'SOCKS', 'ftp', 'pac+http'])(
    'of the kind %s:// is refused by name',
    kind => {
      const env = { ALL_PROXY: `${kind}://ada:fake-password@proxy:1080` };
      expect(() => proxyFor(new URL('https://s3.example/'), env)).toThrow(
        `ALL_PROXY: ${kind.toLowerCase()}:// proxies are not supported`,
      );
      expect(proxyFor(new URL('http://127.0.0.1:9000/'), env)).toBeUndefined();
      expect(proxyFor(new URL('https://s3.example/'), { ...env, NO_PROXY: 's3.example' })).toBeUndefined();
    },
  );

  test.each(['http://ada:fake-password@proxy:99999', 'http://ada:fake-password%@proxy', 'http://fake-password@'])(
    'because it is no address is told without its password: %s',
    HTTP_PROXY => {
      expect(() => proxyFor(new URL('http://s3.example/'), { HTTP_PROXY })).toThrow(
        /^HTTP_PROXY: ((?!fake-password).)*$/,
      );
      expect(proxyFor(new URL('https://s3.example/'), { HTTP_PROXY })).toBeUndefined();
    },
  );
});
