import { expect, test } from '@jest/globals';
import { findJsonFlaw } from '../../src/core/json-flaw.ts';

test.each([
  ['', 'line 1, column 1'],
  ['{"a":}', 'line 1, column 6'],
  ['{"a":1,}', 'line 1, column 8'],
  ['[1,]', 'line 1, column 4'],
  ['{"a" 1}', 'line 1, column 6'],
  ['{a:1}', 'line 1, column 2'],
  ["{'a':1}", 'line 1, column 2'],
  ['{"a":1}\n}', 'line 2, column 1'],
  ['[1 2]', 'line 1, column 4'],
  ['[01]', 'line 1, column 3'],
  ['["a\nb"]', 'line 1, column 4'],
  ['["\\x"]', 'line 1, column 3'],
  ['[tru]', 'line 1, column 2'],
  ['[}', 'line 1, column 2'],
  ['{"a":[1}', 'line 1, column 8'],
])('%j is flawed at %s', (text, where) => {
  expect(findJsonFlaw(text)).toBe(where);
});

test('it agrees with JSON.parse on every mutation of a real text', () => {
  const text = '{"a":[1,-2.5e+3,true,null,{}],"b":{"c":"d\\n\\u00e9"} , "e":[[],""]}';
  const isJson = (candidate: string) => {
    try {
      JSON.parse(candidate);
      return true;
    } catch {
      return false;
    }
  };
  for (let index = 0; index <= text.length; index++) {
    for (const insert of ['', '"', ',', ':', '{', '}', '[', ']', '0', '.', '-', '\\', ' ', '\t', 'e', '\u0000']) {
      for (const cut of [0, 1, text.length]) {
        const candidate = text.slice(0, index) + insert + text.slice(index + cut);
        expect([candidate, findJsonFlaw(candidate) === undefined]).toEqual([candidate, isJson(candidate)]);
      }
    }
  }
});
