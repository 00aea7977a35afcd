import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, isOutOfFiles, OPEN_FILES_HINT } from './errors.ts';
import { kindOf } from './file-kind.ts';

/** More than any configuration, key or list of certificates has. A log that is named by mistake must not fill the memory. */
const LARGEST_BYTES = 1024 * 1024;

/** A file as it was read: its bytes, and what the very descriptor that they came from said about itself. */
export interface ReadFile {
  bytes: Buffer;
  stats: Stats;
}

/** What the path leads to cannot be read as a file; `flaw` continues a sentence that begins with the path. */
export class Unreadable extends Error {
  readonly flaw: string;
  readonly stats: Stats;

  constructor(path: string, stats: Stats, flaw: string) {
    super(`${path} ${flaw}`);
    this.flaw = flaw;
    this.stats = stats;
  }
}

// Windows has no such flag: its pipes are no files.
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Reads a small file: configuration, a secret, certificates. Symbolic links are followed, because Kubernetes and systemd
 * hand secrets over as links. Owner and permissions have to be judged by the `stats` returned: whoever may write to the
 * folder can exchange the file between two looks at its path. Opening waits for nobody: a named pipe without a writer
 * would keep a blocking `open` for ever.
 * @throws Unreadable if it is a pipe or the like, or larger than 1 MiB; AppError `CONFIG` without a free descriptor; Node's
 * system errors (`ENOENT`, `EISDIR`, …)
 */
export async function readSmallFile(path: string): Promise<ReadFile> {
  // Before it is opened: some devices act when they are opened.
  refuseKind(path, await stat(path));
  const handle = await openInTurn(path);
  try {
    const stats = await handle.stat();
    const buffer = bufferFor(path, stats);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length)
        return { bytes: limited(path, buffer.subarray(0, length), stats), stats };
    }
  } finally {
    await handle.close();
    openHandles--;
  }
}

/** How many files `readSmallFile` has open. */
let openHandles = 0;
const TRY_AGAIN_MS = 5;
/** So often it is tried again although no file is open here: one may just be closed, or be opened at this moment. */
const LAST_TRIES = 4;

/** Where the limit on open files is met, it waits until another file that is being read is closed. */
async function openInTurn(path: string): Promise<FileHandle> {
  for (let triesLeft = LAST_TRIES; ; triesLeft--) {
    try {
      const handle = await open(path, FLAGS);
      openHandles++;
      return handle;
    } catch (error) {
      if (openHandles > 0) triesLeft = LAST_TRIES;
      if (triesLeft === 0 || !isOutOfFiles(error)) throw outOfFiles(path, error);
    }
    await sleep(TRY_AGAIN_MS);
  }
}

/** A file that cannot be opened for want of descriptors must not count as one that does not exist. */
function outOfFiles(path: string, error: unknown): unknown {
  if (!isOutOfFiles(error)) return error;
  return new AppError('CONFIG', `${path} cannot be read: too many open files`, { hint: OPEN_FILES_HINT, cause: error });
}

/** The same at once, for code that cannot wait. The caller has looked at the file before, so its disk does answer. */
export function readSmallFileSync(path: string): ReadFile {
  refuseKind(path, statSync(path));
  const fd = openAtOnce(path);
  try {
    const stats = fstatSync(fd);
    const buffer = bufferFor(path, stats);
    let length = 0;
    for (;;) {
      const bytesRead = readSync(fd, buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length)
        return { bytes: limited(path, buffer.subarray(0, length), stats), stats };
    }
  } finally {
    closeSync(fd);
  }
}

function openAtOnce(path: string): number {
  try {
    return openSync(path, FLAGS);
  } catch (error) {
    throw outOfFiles(path, error);
  }
}

function refuseKind(path: string, stats: Stats): void {
  // As the system says it itself where a folder is read.
  if (stats.isDirectory()) throw Object.assign(new Error(`${path} is a folder`), { code: 'EISDIR' });
  if (!stats.isFile()) throw new Unreadable(path, stats, `is ${kindOf(stats)}, not a file`);
}

/** Of 1 MiB and a byte, which shows that the file is larger. A file of `/proc` says that it has no bytes, and has some. */
function bufferFor(path: string, stats: Stats): Buffer {
  refuseKind(path, stats);
  if (stats.size > LARGEST_BYTES) throw tooLarge(path, stats);
  return Buffer.allocUnsafe(LARGEST_BYTES + 1);
}

function limited(path: string, bytes: Buffer, stats: Stats): Buffer {
  if (bytes.length > LARGEST_BYTES) throw tooLarge(path, stats);
  // Copied, so that a short text does not keep a megabyte.
  return Buffer.from(bytes);
}

function tooLarge(path: string, stats: Stats): Unreadable {
  return new Unreadable(path, stats, 'is larger than 1 MiB');
}
