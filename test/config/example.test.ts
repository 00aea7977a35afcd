import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { KEYS, variablesOf } from '../../src/config/keys.ts';
import { settingsSchema } from '../../src/config/schema.ts';
import { valueAt } from '../../src/config/sources/nested.ts';
import { useDesk } from './support.ts';

const desk = useDesk();
const exampleFile = fileURLToPath(new URL('../../.recorduploadrc.example', import.meta.url));
const example = readFileSync(exampleFile, 'utf8');
/** With every key that is switched off (`#key:`) switched on. */
const whole = load(example.replace(/^( *)#(?=[\w]+:)/gm, '$1').replace(/^#(?= {2}[-\w ] )/gm, ''));

test('the example is a configuration: that of the defaults', async () => {
  expect((await desk.load({}, { configFile: exampleFile })).config).toEqual((await desk.load()).config);
});

test('with everything switched on it has every key, each valid, and none besides', () => {
  expect(settingsSchema.safeParse(whole).error?.issues).toBeUndefined();
  const missing = KEYS.filter(key => valueAt(whole, key.path.split('.')) === undefined).map(key => key.path);
  expect(missing).toEqual([]);
  expect(valueAt(whole, ['webhooks', 1, 'enabled'])).toBe(false);
});

test('it names every variable', () => {
  const variables = KEYS.flatMap(variablesOf);
  expect(variables.filter(name => !new RegExp(`\\b${name}\\b`).test(example))).toEqual([]);
});

test('the table of keys and the schema agree', () => {
  const shape = settingsSchema.shape;
  const paths = new Set(KEYS.map(key => key.path.split('.')[0]));
  expect(Object.keys(shape).filter(name => !paths.has(name))).toEqual(['webhooks']);
  for (const key of KEYS) {
    const wrong = key.path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), Symbol('wrong'));
    expect(settingsSchema.safeParse(wrong).error?.issues).toEqual([
      expect.objectContaining({ code: 'invalid_type', path: key.path.split('.') }),
    ]);
  }
});
