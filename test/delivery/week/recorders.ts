import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The ways in which a recording comes to the worker. */
export const WAYS = ['enqueued', 'appears', 'moved', 'growing', 'marked'] as const;
export type Way = (typeof WAYS)[number];

export interface Content {
  sizeBytes: number;
  /** In hexadecimal. */
  sha256: string;
}

/** A recording that was made. */
export interface Made {
  id: string;
  way: Way;
  dir: string;
  /** Files that have to be in the bucket, by name. */
  files: Map<string, Content>;
  /** When the recorder was done with it, in milliseconds since 1970. */
  finishedAt: number;
  isLarge: boolean;
}

export interface Places {
  /** Watched. */
  root: string;
  /** Not watched, on the same disk. */
  elsewhere: string;
}

export const MARKER = 'done.flag';
const TRANSCRIPT = 'Ada: shall we begin?\n';
/** Larger than one part. */
const LARGE_BYTES = 9 * 1024 * 1024;
/** More than any small one has, so that the webhook shows which of the two it is about. */
const AGAIN_BYTES = 1_500_000;

/**
 * Makes a recording, as one kind of recorder does.
 * @param enqueue hands a folder over with the built program
 */
export async function record(
  id: string,
  way: Way,
  { places, isLarge, enqueue }: { places: Places; isLarge: boolean; enqueue: (dir: string) => Promise<void> },
): Promise<Made> {
  const bytes = randomBytes(isLarge ? LARGE_BYTES : 20_000 + (Number(id) % 50) * 2_000);
  const dir = folderOf(id, way, places);
  const write = (folder: string) => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'transcript.txt'), TRANSCRIPT);
    writeFileSync(join(folder, 'video.mkv'), bytes);
  };
  let finishedAt: number | undefined;
  switch (way) {
    case 'enqueued':
      write(dir);
      finishedAt = Date.now();
      await enqueue(dir);
      break;
    case 'appears':
      write(dir);
      break;
    case 'moved': {
      const before = join(places.elsewhere, `moving-${id}`);
      write(before);
      mkdirSync(join(dir, '..'), { recursive: true });
      renameSync(before, dir);
      break;
    }
    case 'growing':
      await grow(dir, bytes);
      break;
    case 'marked': {
      write(dir);
      // Its program never closes the video; only the marker says that it is finished.
      const video = await open(join(dir, 'video.mkv'), 'a');
      await sleep(500);
      writeFileSync(join(dir, MARKER), '');
      finishedAt = Date.now();
      await sleep(2_000);
      await video.close();
    }
  }
  const files = new Map([
    ['video.mkv', contentOf(bytes)],
    ['transcript.txt', contentOf(Buffer.from(TRANSCRIPT))],
  ]);
  return { id, way, dir, files, finishedAt: finishedAt ?? Date.now(), isLarge };
}

/** Makes the video of a recording that was uploaded another one. */
export function recordAgain(made: Made): void {
  const bytes = randomBytes(AGAIN_BYTES);
  writeFileSync(join(made.dir, 'video.mkv'), bytes);
  made.files.set('video.mkv', contentOf(bytes));
}

export function contentOf(bytes: Buffer): Content {
  return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** One to four levels below the root. */
function folderOf(id: string, way: Way, { root, elsewhere }: Places): string {
  if (way === 'enqueued') return join(elsewhere, id);
  const number = Number(id);
  const levels = ['2026', `week-${number % 7}`, `room-${number % 11}`].slice(0, number % 4);
  return join(root, ...levels, id);
}

async function grow(dir: string, bytes: Buffer): Promise<void> {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'transcript.txt'), TRANSCRIPT);
  const video = await open(join(dir, 'video.mkv'), 'a');
  const step = Math.ceil(bytes.length / 8);
  for (let at = 0; at < bytes.length; at += step) {
    await video.write(bytes.subarray(at, at + step));
    await sleep(400);
  }
  await video.close();
}
