import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { hooked } from '../local/support.ts';
import { openDesk, openSandbox } from '../support/desk.ts';
import { freshId } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';
import { moveIn, QUICK, startWorker } from './support.ts';

/* What the machine runs out of while the worker works, and a clock that jumps: each is said once, and it lives on. */

const sandbox = await openSandbox();
const mounts: string[] = [];
const system = (program: string, ...args: string[]) => spawnSync(program, args, { encoding: 'utf8' });
afterEach(() => {
  for (const at of mounts.splice(0)) system('umount', '-l', at);
});

const linesWith = (text: string, part: string) => text.split('\n').filter(line => line.includes(part));

/** A small disk; undefined where nobody may mount one. */
function smallDisk(): string | undefined {
  const at = tempDir();
  if (system('mount', '-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs', at).status !== 0) return undefined;
  mounts.push(at);
  return at;
}

const withDisks = smallDisk() ? describe : describe.skip;

withDisks('the state', () => {
  test('on a full disk: said once, and what was found meanwhile is uploaded once there is room', async () => {
    const disk = smallDisk()!;
    const stateDir = join(disk, 'state');
    const env = { ...QUICK, RECORDUPLOAD_STATE_DIR: stateDir, RECORDUPLOAD_LOG_FILE: join(tempDir(), 'app.log') };
    const worker = await startWorker(sandbox, { desk: openDesk(sandbox, env) });
    const before = freshId();
    moveIn(worker.root, { name: before });
    await worker.prints(`✔ ${before}: uploaded`);
    system('dd', 'if=/dev/zero', `of=${join(disk, 'fill')}`, 'bs=4k');
    const ids = [freshId(), freshId()];
    for (const name of ids) moveIn(worker.root, { name });
    await worker.prints('the worker tries again');
    rmSync(join(disk, 'fill'));
    for (const id of ids) await worker.prints(`✔ ${id}: uploaded`);
    const text = await worker.prints('the worker works again');
    expect(linesWith(text, 'the worker tries again')).toHaveLength(1);
  });
});

describe('inotify', () => {
  test.each([
    ['watches', 'max_user_watches'],
    ['instances', 'max_user_instances'],
  ])('without %s: said once with the sysctl, and recordings are found by looking', async (kind, sysctl) => {
    const desk = openDesk(sandbox, QUICK);
    const worker = await startWorker(sandbox, { desk, inotify: { [kind]: 0 } });
    await worker.prints(`(for more: sudo sysctl fs.inotify.${sysctl}=`);
    const id = freshId();
    moveIn(worker.root, { name: id });
    const text = await worker.prints(`✔ ${id}: uploaded`);
    expect(linesWith(text, 'inotify')).toHaveLength(1);
  });
});

describe('the clock', () => {
  test('that jumps by days, either way, is said each time; uploads and the queue go on', async () => {
    const offset = join(tempDir(), 'offset');
    const env = hooked(`
      const RealDate = Date;
      let ms = 0;
      // Empty: it is being written.
      const shifted = () => RealDate.now() + (ms = Number(fs.readFileSync(${JSON.stringify(offset)}, 'utf8') || ms));
      globalThis.Date = class extends RealDate {
        constructor(...args) { if (args.length === 0) super(shifted()); else super(...args); }
        static now() { return shifted(); }
      };`);
    const DAY_MS = 86_400_000;
    writeFileSync(offset, '0');
    const desk = openDesk(sandbox, { ...QUICK, ...env });
    const worker = await startWorker(sandbox, { desk });
    const early = join(desk.cwd, freshId());
    mkdirSync(early);
    for (const [days, said] of [
      [2, '2 d ahead'],
      [-3, '5 d back'],
      [3650, '3653 d ahead'],
      [0, '3650 d back'],
    ] as const) {
      writeFileSync(offset, String(days * DAY_MS));
      await worker.prints(`the clock has jumped ${said}`);
      const id = freshId();
      moveIn(worker.root, { name: id });
      await worker.prints(`✔ ${id}: uploaded 3 files`);
      // It waits until a time ten years ahead.
      if (days === 3650) expect((await desk.run(['enqueue', early])).code).toBe(0);
    }
    writeFileSync(join(early, 'video.mkv'), 'a video');
    const text = await worker.prints('uploaded 1 file');
    expect(linesWith(text, 'has jumped')).toHaveLength(4);
  });
});
