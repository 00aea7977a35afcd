import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { checkRoot, LEVELS, levelsBelow, newRoot } from '../../src/app/watch/root.ts';
import type { CoreEvent } from '../../src/core/events.ts';
import { tempDir } from '../support/temp-dir.ts';

/* A folder that the worker looks below. */

const messages = (events: readonly CoreEvent[]) =>
  events.map(event => ('message' in event ? event.message : event.type));

test('another folder in its place is looked at anew, and that is said once', async () => {
  const path = join(tempDir(), 'drive');
  mkdirSync(path);
  const root = newRoot(path);
  const events: CoreEvent[] = [];
  const check = () => checkRoot(root, [root], event => events.push(event));
  expect([await check(), await check()]).toEqual([true, false]);
  renameSync(path, `${path}-away`);
  mkdirSync(path);
  expect([await check(), await check()]).toEqual([true, false]);
  expect(messages(events)).toEqual([
    `${path} is another folder now: something was mounted, unmounted or put in its place`,
  ]);
});

test('the same folder by another path counts once', async () => {
  const parent = tempDir();
  const [path, link] = [join(parent, 'real'), join(parent, 'link')];
  mkdirSync(path);
  symlinkSync(path, link);
  const roots = [newRoot(path), newRoot(link)];
  const events: CoreEvent[] = [];
  for (const root of roots) await checkRoot(root, roots, event => events.push(event));
  expect(roots.map(({ dir }) => dir)).toEqual([path, undefined]);
  expect(messages(events)).toEqual([`${link} is the same folder as ${path}`]);
});

test('how deep it reaches: four levels, from the nearest root, not into hidden folders', () => {
  const roots = ['/r', '/r/a/b'].map(dir => ({ ...newRoot(dir), dir }));
  expect(levelsBelow('/r', roots)).toBe(LEVELS);
  expect(levelsBelow('/r/a', roots)).toBe(LEVELS - 1);
  expect(levelsBelow('/r/a/b/c/d', roots)).toBe(LEVELS - 2);
  expect(levelsBelow('/r/1/2/3/4/5', roots)).toBeUndefined();
  expect(levelsBelow('/r/.trash/1', roots)).toBeUndefined();
  expect(levelsBelow('/elsewhere', roots)).toBeUndefined();
});
