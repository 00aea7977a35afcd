import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp-dir.ts';

/** A small disk of the user `postgres`, in memory. */
export interface SmallDisk {
  readonly dir: string;
  /** Leaves no byte. */
  fill(): void;
  /** Makes the room again that `fill` took. */
  free(): void;
  remove(): void;
}

/** False where this user may not mount one. */
export function canMountDisk(): boolean {
  return process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
}

/** @param size as `mount` takes it: `80m` */
export function mountSmallDisk(size: string): SmallDisk {
  const dir = tempDir();
  const id = (option: string) => execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }).trim();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700,uid=${id('-u')},gid=${id('-g')}`, 'tmpfs', dir]);
  const filler = join(dir, 'filler');
  return {
    dir,
    fill() {
      const file = openSync(filler, 'a');
      try {
        for (const size of [1024 * 1024, 4096]) writeAll(file, Buffer.alloc(size));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler, { force: true }),
    remove: () => void execFileSync('umount', ['--lazy', dir]),
  };
}

/** Writes until the disk has no room for it. */
function writeAll(file: number, bytes: Buffer): void {
  try {
    for (;;) writeSync(file, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
