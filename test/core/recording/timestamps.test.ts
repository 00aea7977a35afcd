import { expect, test } from '@jest/globals';
import { formatLocal, formatUtc, fromMilliseconds, parseTimestamp } from '../../../src/core/recording/timestamps.ts';

const form = '2025-10-25 01:55:59.374860';

test.each([
  [form, form],
  ['2025-10-25T01:55:59.374860', form],
  ['2025-10-25T01:55:59.374860Z', form],
  ['2025-10-25t01:55:59,374860z', form],
  ['2025-10-24T21:55:59.374860-04:00', form],
  ['2025-10-25T07:25:59.37486+0530', form],
  ['2025-10-25 02:55:59.3748609 +01', form],
  [' 2025-10-25 01:55 ', '2025-10-25 01:55:00.000000'],
  ['2024-02-29T23:59:59Z', '2024-02-29 23:59:59.000000'],
  ['1970-01-01 00:00:00', '1970-01-01 00:00:00.000000'],
  ['9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999'],
])('%p is %p', (text, utc) => {
  expect(formatUtc(parseTimestamp(text)!)).toBe(utc);
});

test.each([
  '',
  'now',
  '1761357359',
  '2025-10-25',
  '2025-02-29 00:00:00',
  '2025-13-01 00:00:00',
  '2025-10-25 24:00:00',
  '2025-10-25 23:60:00',
  '2025-10-25 01:55:59.1234567890',
  '2025-10-25T01:55:59+99:00',
  '2025-10-25T01:55:59 EST',
  '1969-12-31 23:59:59',
  '9999-12-31 23:59:59-01:00',
  '25/10/2025 01:55:59',
])('%p is no time', text => {
  expect(parseTimestamp(text)).toBeUndefined();
});

test('local time is the machine’s, with six digits and no zone', () => {
  const date = new Date(2025, 2, 4, 5, 6, 7, 8);
  expect(formatLocal(fromMilliseconds(date.getTime() + 0.009))).toBe('2025-03-04T05:06:07.008009');
});
