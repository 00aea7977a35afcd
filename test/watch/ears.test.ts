import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { hooked } from '../local/support.ts';
import { openDesk, openSandbox } from '../support/desk.ts';
import { freshId } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';
import { moveIn, QUICK, startWorker, until } from './support.ts';

/* What listening costs. */

const sandbox = await openSandbox();

/** How many folders and files a process listens to. */
function watchesOf(pid: number): number {
  const dir = `/proc/${pid}/fdinfo`;
  const texts = readdirSync(dir).map(fd => {
    try {
      return readFileSync(join(dir, fd), 'utf8');
    } catch {
      return '';
    }
  });
  return texts.join('').split('inotify wd:').length - 1;
}

test('folders that were removed cost nothing when others come', async () => {
  const counted = join(tempDir(), 'looks');
  const env = hooked(`
    const real = fs.promises.lstat;
    let looks = 0;
    fs.promises.lstat = (...args) => {
      looks++;
      return real(...args);
    };
    setInterval(() => fs.writeFileSync(${JSON.stringify(counted)}, String(looks)), 20).unref();`);
  const worker = await startWorker(sandbox, { desk: openDesk(sandbox, { ...QUICK, ...env }) });
  /** Once it looks at nothing any more. */
  const looksSoFar = async (): Promise<number> => {
    for (let before = -1; ; ) {
      const looks = Number(readFileSync(counted, 'utf8'));
      if (looks === before) return looks;
      before = looks;
      await sleep(1_500);
    }
  };
  const looksFor = async (work: () => Promise<void>) => {
    const before = await looksSoFar();
    await work();
    return (await looksSoFar()) - before;
  };
  const uploadOne = async () => {
    const id = freshId();
    moveIn(worker.root, { name: id });
    await worker.prints(`✔ ${id}: uploaded`);
  };
  await uploadOne();
  const first = await looksFor(uploadOne);
  const before = watchesOf(worker.pid);
  const dirs = Array.from({ length: 100 }, (_, i) => join(worker.root, `folder-${i}`));
  for (const dir of dirs) mkdirSync(dir);
  await until('it listens to all of them', () => watchesOf(worker.pid) >= before + dirs.length);
  for (const dir of dirs) rmSync(dir, { recursive: true });
  await until('it listens to none of them', () => watchesOf(worker.pid) <= before);
  const again = await looksFor(uploadOne);
  expect(again).toBeLessThan(first + dirs.length / 2);
});
