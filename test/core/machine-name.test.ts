import { expect, test } from '@jest/globals';
import { machineName } from '../../src/core/machine-name.ts';

test.each([
  ['recorder-1.example.com', 'recorder-1.example.com'],
  ['Aufnahme Büro 2\n', 'Aufnahme-B-ro-2'],
  ['r'.repeat(80), 'r'.repeat(50)],
  ['中文', ''],
])('the machine %j is called %j in headers', (name, called) => {
  expect(machineName(name)).toBe(called);
});
