import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './machine.ts';

/** A recording that a machine's recorder made. */
export interface Made {
  id: string;
  dir: string;
  machine: string;
  /** How often it was recorded: each time is told of. */
  versions: number;
  sizeBytes: number;
  /** In hexadecimal. */
  sha256: string;
}

/** More than one part. */
const LARGE_BYTES = 20 * 1024 * 1024;

/** Moves a finished recording into a machine's folder. */
export function record(id: string, machine: Machine, { isLarge }: { isLarge: boolean }): Made {
  const before = join(machine.root, '..', `.moving-${id}`);
  const dir = join(machine.root, id);
  mkdirSync(before);
  const bytes = randomBytes(isLarge ? LARGE_BYTES : 20_000 + Number(id));
  writeFileSync(join(before, 'video.mkv'), bytes);
  renameSync(before, dir);
  return { id, dir, machine: machine.name, versions: 1, ...contentOf(bytes) };
}

/** Makes the video another one, longer than before. */
export function recordAgain(made: Made): void {
  const bytes = randomBytes(made.sizeBytes + 200_000);
  const next = join(made.dir, '..', '..', `.again-${made.id}`);
  writeFileSync(next, bytes);
  renameSync(next, join(made.dir, 'video.mkv'));
  made.versions++;
  Object.assign(made, contentOf(bytes));
}

export function contentOf(bytes: Buffer): { sizeBytes: number; sha256: string } {
  return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
