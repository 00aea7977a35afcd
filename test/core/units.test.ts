import { describe, expect, test } from '@jest/globals';
import { formatBytes, formatDuration, parseDuration, parseRateLimit, parseRequestRate } from '../../src/core/units.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('A duration', () => {
  test.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['30 min', 1_800_000],
    ['2h', 7_200_000],
    ['1h30m', 5_400_000],
    ['3 d 4 h', 3 * DAY_MS + 4 * HOUR_MS],
    ['1.5s', 1500],
    ['0.0004s', 0],
    ['500ms', 500],
    ['0s', 0],
    ['2w', 14 * DAY_MS],
    ['36525d', 36_525 * DAY_MS],
    [' 5m\n', 300_000],
  ])('%j is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each([
    '',
    ' ',
    '30',
    'm',
    '-5m',
    '5 minutes',
    '5M',
    '1,5h',
    '.5h',
    '5.h',
    '1h-30m',
    '1e3s',
    '36526d',
    '9'.repeat(400),
  ])('%j is none', text => expect(parseDuration(text)).toBeUndefined());

  test.each([
    [0, '0.0 s'],
    [340, '0.3 s'],
    [9_949, '9.9 s'],
    [9_950, '10 s'],
    [59_600, '1 min'],
    [200_000, '3 min 20 s'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [3 * DAY_MS + 4 * HOUR_MS, '3 d 4 h'],
  ])('of %i ms is shown as %s, which is read as the same again', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
    expect(formatDuration(parseDuration(text) ?? Number.NaN)).toBe(text);
  });
});

describe('A rate limit', () => {
  test.each([
    ['10M', 10 * MIB],
    ['512k', 512 * KIB],
    ['512K', 512 * KIB],
    ['100', 100 * KIB],
    ['0.5', 512],
    ['1.5M', 1.5 * MIB],
    ['2G', 2048 * MIB],
    ['300B', 300],
    ['1b', 1],
    ['1Mi', MIB],
    ['1MiB', MIB],
    ['1MB', MIB],
    [' 10M ', 10 * MIB],
    ['off', undefined],
    ['OFF', undefined],
  ])('of %j is read as rclone reads it', (text, bytesPerSecond) => {
    expect(parseRateLimit(text)).toEqual([{ minuteOfDay: 0, bytesPerSecond }]);
  });

  test('by the clock is in the order of the day', () => {
    expect(parseRateLimit('19:00,off  8:00,512k\n12:30,1M')).toEqual([
      { minuteOfDay: 480, bytesPerSecond: 512 * KIB },
      { minuteOfDay: 750, bytesPerSecond: MIB },
      { minuteOfDay: 1140, bytesPerSecond: undefined },
    ]);
  });

  test.each([
    ...['', ' ', ',', '0', '0M', '0.5B', '0.0001k', '-1', '-1M', '+1M', 'fast', '10X', '10Bi', '10i', '1e6', '0x10'],
    ...['10M 20M', '10M,5M', '10M:5M', '25:00,1M', '08:60,1M', '08:00', '08:00,', '08:00,1M,2M', '08:00 1M'],
    ...['1M 2M 3X', '08:00,1M 8:00,2M', '08:00,1M 2M', '99999999999T', '9'.repeat(400)],
  ])('%j is none', text => expect(parseRateLimit(text)).toBeUndefined());
});

test.each([
  ['10/s', { requests: 10, windowMs: 1000 }],
  ['100/m', { requests: 100, windowMs: 60_000 }],
  ['5000/h', { requests: 5000, windowMs: HOUR_MS }],
  ['0/s', undefined],
  ['10', undefined],
  ['1/2s', undefined],
  ['-1/s', undefined],
])('%j is how many requests may come in how long: %j', (text, rate) => expect(parseRequestRate(text)).toEqual(rate));

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [99_949, '99.9 kB'],
  [99_950, '100 kB'],
  [999_500, '1.0 MB'],
  [512e6, '512 MB'],
  [20e9, '20.0 GB'],
  [5e15, '5000 TB'],
])('%i bytes are shown as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
