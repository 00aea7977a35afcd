import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { parseListen } from '../../src/config/listen.ts';
import type { UnfinishedUpload } from '../../src/core/status/overview.ts';
import { openDoor } from '../../src/dashboard/access/caller.ts';
import { countWrongTokens } from '../../src/dashboard/access/wrong-tokens.ts';
import { watchRates } from '../../src/dashboard/live/rates.ts';
import { momentIn } from '../../src/dashboard/pages/zone.ts';
import { redacted } from '../../src/dashboard/redacted.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 0, 1, 12);
const MB = 1_000_000;

const upload = (partsDone: number, state: UnfinishedUpload['state'] = 'uploading'): UnfinishedUpload => ({
  target: 'https://s3.example.com/b',
  id: '3',
  dir: '/recordings/3',
  state,
  pid: 1,
  since: NOW,
  updatedAt: NOW,
  error: null,
  files: [{ name: 'video.mkv', state: 'sending', sizeBytes: 100 * MB, partsDone, parts: 10, error: null }],
});

describe('rates', () => {
  test('come from what has arrived over the last half minute', () => {
    const rates = watchRates();
    expect(rates.take([upload(0)], NOW)).toEqual([{ bytes: 0, totalBytes: 100 * MB, rate: null, leftMs: null }]);
    expect(rates.take([upload(2)], NOW + 10_000)).toMatchObject([{ bytes: 20 * MB, rate: 2 * MB, leftMs: 40_000 }]);
    // What was fast a minute ago says nothing about now.
    rates.take([upload(2)], NOW + 50_000);
    expect(rates.take([upload(2)], NOW + 60_000)).toMatchObject([{ rate: 0, leftMs: null }]);
  });

  test('an upload that no process works on has none', () => {
    const rates = watchRates();
    rates.take([upload(1, 'partial')], NOW);
    expect(rates.take([upload(2, 'partial')], NOW + 5_000)).toMatchObject([{ rate: null, leftMs: null }]);
  });

  test('the last hour has each byte once, in the minute in which it arrived', () => {
    const rates = watchRates();
    rates.take([upload(0)], NOW);
    rates.take([upload(4)], NOW + MINUTE);
    rates.take([upload(9)], NOW + 2 * MINUTE);
    rates.take([], NOW + 3 * MINUTE);
    // The state counts the whole file in the minute in which its last byte arrived.
    const minutes = [{ minute: NOW / MINUTE + 3, bytes: 100 * MB }];
    expect(rates.lastHour({ minutes }, NOW + 3 * MINUTE).slice(-4)).toEqual([0, 40 * MB, 50 * MB, 10 * MB]);
    expect(rates.lastHour({ minutes }, NOW + 3 * MINUTE)).toHaveLength(60);
  });
});

describe('wrong tokens', () => {
  test('ten a minute; the eleventh waits until the first is a minute old', () => {
    let now = NOW;
    const wrong = countWrongTokens(() => now);
    for (let tries = 0; tries < 10; tries++) {
      expect(wrong.waitMs('10.0.0.1')).toBe(0);
      wrong.add('10.0.0.1');
      now += 1_000;
    }
    expect(wrong.waitMs('10.0.0.1')).toBe(50_000);
    expect(wrong.waitMs('10.0.0.2')).toBe(0);
    now += 50_000;
    expect(wrong.waitMs('10.0.0.1')).toBe(0);
  });

  test('who has many addresses has no more tries', () => {
    const wrong = countWrongTokens(() => NOW);
    for (let tries = 0; tries < 10; tries++) wrong.add(`2001:db8::${tries}`);
    expect(wrong.waitMs('2001:db8:0:0:ffff::1')).toBe(MINUTE);
    expect(wrong.waitMs('2001:db8:1::1')).toBe(0);
    for (let address = 0; address < 2_000; address++) wrong.add(`10.1.${address >> 8}.${address & 255}`);
    expect(wrong.waitMs('192.0.2.1')).toBe(MINUTE);
  });
});

describe('the door', () => {
  const request = (remoteAddress: string, headers: Record<string, string> = {}) =>
    ({ socket: { remoteAddress, localAddress: '10.0.0.1', localPort: 8707 }, headers }) as unknown as IncomingMessage;
  const listen = { host: '0.0.0.0', port: 8707 };
  const none = { listen, tls: undefined, trustedProxies: [], url: undefined };

  test('without TLS, only this machine and trusted proxies pass', () => {
    const door = openDoor({ ...none, trustedProxies: ['10.0.0.5', 'fd00::/8'] });
    expect(door.callerOf(request('10.0.0.6'))).toBeUndefined();
    expect(door.callerOf(request('::ffff:10.0.0.5'))).toEqual({ address: '10.0.0.5', isEncrypted: false });
    expect(door.callerOf(request('fd12::1', { 'x-forwarded-for': 'a, 203.0.113.9' }))).toMatchObject({
      address: '203.0.113.9',
    });
    expect(door.callerOf(request('127.0.0.1', { 'x-forwarded-for': '203.0.113.9' }))).toEqual({
      address: '127.0.0.1',
      isEncrypted: false,
    });
  });

  test('a name is ours if we listen there; an address that is not this socket’s is none of ours', () => {
    const door = openDoor({ ...none, url: 'https://recordings.example.com' });
    const isOurs = (host: string) => door.isOwnHost(request('10.0.0.9', { host }));
    expect(['10.0.0.1:8707', 'localhost:8707', 'recordings.example.com'].filter(isOurs)).toHaveLength(3);
    expect(
      ['10.0.0.2:8707', '10.0.0.1', 'evil.example:8707', 'recordings.example.com:8707', ''].filter(isOurs),
    ).toEqual([]);
    expect(door.isOwnHost(request('10.0.0.9'))).toBe(false);
  });
});

test('a date field is in the time zone of the browser, also on the day when the clocks change', () => {
  expect(momentIn('2026-01-31', 'Europe/Vienna')).toBe(Date.UTC(2026, 0, 30, 23));
  expect(momentIn('2026-07-01T14:00', 'America/New_York')).toBe(Date.UTC(2026, 6, 1, 18));
  expect(momentIn('2026-03-29T03:30', 'Europe/Vienna')).toBe(Date.UTC(2026, 2, 29, 1, 30));
  expect(momentIn('2026-01-31T14:00', 'No/Where')).toBe(new Date(2026, 0, 31, 14).getTime());
  for (const text of ['', '2026-13-01', 'yesterday', '2026-01-31T99:00']) expect(momentIn(text, 'UTC')).toBeUndefined();
});

test('an address to listen on', () => {
  expect(parseListen('8707')).toEqual({ host: '127.0.0.1', port: 8707 });
  expect(parseListen('[::1]:0')).toEqual({ host: '::1', port: 0 });
  expect(parseListen('localhost:80')).toEqual({ host: 'localhost', port: 80 });
  for (const text of ['', ':', 'x:1', '1.2.3:4', '127.0.0.1', '127.0.0.1:65536', '::1:80', '[127.0.0.1]:80', '-1'])
    expect([text, parseListen(text)]).toEqual([text, undefined]);
});

test('texts are masked however deep they are', () => {
  const mask = (text: string) => text.replaceAll('secret', '***');
  expect(redacted({ a: ['x secret', { b: 'secret', c: 1 }], d: null }, mask)).toEqual({
    a: ['x ***', { b: '***', c: 1 }],
    d: null,
  });
});
