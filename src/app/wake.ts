import { closeSync, constants, fstatSync, futimesSync, lstatSync, openSync, watch } from 'node:fs';
import { join } from 'node:path';
import { foreignFile } from '../core/own-files.ts';

/*
 * A bell between processes of one state: whoever has put something into the queue rings it, and the worker looks at once.
 * It may be missed (network drives, no watches left): the worker asks the queue every few seconds anyway.
 */

const { O_WRONLY, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
/** A link is not followed, and a pipe does not block. */
const TOUCH = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK;

/** Rings. Never throws: without the bell the worker finds the entry a little later. */
export function ring(stateDir: string): void {
  try {
    touch(stateDir);
  } catch {}
}

/**
 * Calls `onRing` when somebody rings, sometimes more than once for one ring.
 * @param onSilent gets the reason once if nothing can be heard from now on (`ENOSPC`: the system has no watches left)
 * @returns stops listening
 */
export function listen(stateDir: string, onRing: () => void, onSilent: (error: unknown) => void): () => void {
  let stop = () => {};
  let isStopped = false;
  const start = () => {
    const file = touch(stateDir);
    const watcher = watch(file, { persistent: false }, event => {
      onRing();
      // The file was renamed or removed: this watch hears nothing of the next one.
      if (event === 'rename' && !isStopped) restart();
    });
    watcher.on('error', onSilent);
    stop = () => watcher.close();
  };
  const restart = () => {
    stop();
    try {
      start();
    } catch (error) {
      onSilent(error);
    }
  };
  restart();
  return () => {
    isStopped = true;
    stop();
  };
}

/** Makes the file if needed and changes its time stamps. */
function touch(stateDir: string): string {
  const file = join(stateDir, 'wake');
  const there = lstatSync(file, { throwIfNoEntry: false });
  // As every file of the state: somebody else's is left alone.
  if (there && foreignFile(file, there)) throw new Error(`${file} is not this user's`);
  const fd = openSync(file, TOUCH, 0o600);
  try {
    if (foreignFile(file, fstatSync(fd))) throw new Error(`${file} is not this user's`);
    const now = new Date();
    futimesSync(fd, now, now);
  } finally {
    closeSync(fd);
  }
  return file;
}
