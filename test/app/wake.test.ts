import { chmodSync, existsSync, linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { listen, ring } from '../../src/app/wake.ts';
import { tempDir } from '../support/temp-dir.ts';

const unheard = (error: unknown) => {
  throw error;
};

/** Rings until somebody hears it, as often as it takes. */
async function untilHeard(stateDir: string, rung: Promise<void>): Promise<void> {
  const timer = setInterval(() => ring(stateDir), 20);
  try {
    await rung;
  } finally {
    clearInterval(timer);
  }
}

test.each<[string, (file: string) => void]>([
  ['removed', file => rmSync(file)],
  ['renamed', file => renameSync(file, `${file}.old`)],
])('who listens hears the ring, also after the file was %s', async (_what, takeAway) => {
  const dir = tempDir();
  let heard = Promise.withResolvers<void>();
  const stop = listen(dir, () => heard.resolve(), unheard);
  try {
    await untilHeard(dir, heard.promise);
    takeAway(join(dir, 'wake'));
    // What is heard of the old file comes first.
    await setTimeout(100);
    heard = Promise.withResolvers();
    await untilHeard(dir, heard.promise);
  } finally {
    stop();
  }
  expect(statSync(join(dir, 'wake')).mode & 0o777).toBe(0o600);
});

test('who has stopped listening hears nothing', async () => {
  const dir = tempDir();
  let count = 0;
  listen(dir, () => count++, unheard)();
  const heard = Promise.withResolvers<void>();
  const stop = listen(dir, () => heard.resolve(), unheard);
  count = 0;
  await untilHeard(dir, heard.promise);
  stop();
  expect(count).toBe(0);
});

test('a file that is not ours alone is left as it is, and the listener learns that it hears nothing', () => {
  const dir = tempDir();
  const foreign = join(tempDir(), 'notes.txt');
  writeFileSync(foreign, 'keep me');
  linkSync(foreign, join(dir, 'wake'));
  const before = statSync(foreign).mtimeMs;
  ring(dir);
  const reasons: unknown[] = [];
  listen(
    dir,
    () => {},
    error => reasons.push(error),
  )();
  expect(reasons).toMatchObject([{ message: expect.stringContaining("is not this user's") }]);
  expect([statSync(foreign).mtimeMs, readFileSync(foreign, 'utf8')]).toEqual([before, 'keep me']);
});

test('ringing in a folder that is missing or full of obstacles does nothing', () => {
  const dir = join(tempDir(), 'missing');
  ring(dir);
  expect(existsSync(dir)).toBe(false);
  const shared = tempDir();
  writeFileSync(join(shared, 'wake'), '');
  chmodSync(join(shared, 'wake'), 0o666);
  const before = statSync(join(shared, 'wake')).mtimeMs;
  ring(shared);
  expect(statSync(join(shared, 'wake')).mtimeMs).toBe(before);
});
