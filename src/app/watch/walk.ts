import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../core/errors.ts';
import { roleOf } from '../../core/recording/file-roles.ts';

/** Gets what a walk comes across; the walk waits for what it returns. */
export interface WalkVisitor {
  /** A folder with a video: whatever lies in it belongs to it. */
  recording(dir: string): Promise<void>;
  /** A folder without one. */
  folder(dir: string, entries: number): void;
  /** A folder that cannot be read. One that is gone meanwhile is not announced. */
  unreadable(dir: string, error: Error): void;
  /** True for a folder that the walk leaves out. */
  isLeftOut(dir: string): boolean;
}

/** A folder with more sub-folders is listed a second time instead of being remembered. */
const MOST_REMEMBERED = 1_000;

/**
 * Looks for recordings in a folder and below it. It needs the same little memory for any number of files. Hidden folders
 * and symbolic links are left out, because links may lead in circles.
 * @param levels how many levels of folders below it are looked into
 * @throws the signal's reason
 */
export async function walk(dir: string, levels: number, visitor: WalkVisitor, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let found: Listed;
  try {
    found = await list(dir, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ESTALE')) visitor.unreadable(dir, error as Error);
    return;
  }
  if (found.hasVideo) return await visitor.recording(dir);
  visitor.folder(dir, found.entries);
  if (levels === 0) return;
  const descend = async (name: string) => {
    const path = join(dir, name);
    if (!visitor.isLeftOut(path)) await walk(path, levels - 1, visitor, signal);
  };
  if (found.folders) {
    for (const name of found.folders) await descend(name);
    return;
  }
  try {
    for await (const entry of await opendir(dir)) if (isInner(entry)) await descend(entry.name);
  } catch (error) {
    signal.throwIfAborted();
    visitor.unreadable(dir, error as Error);
  }
}

interface Listed {
  hasVideo: boolean;
  entries: number;
  /** Names of the folders in it; undefined: too many to remember. */
  folders: string[] | undefined;
}

async function list(dir: string, signal: AbortSignal): Promise<Listed> {
  const found: Listed = { hasVideo: false, entries: 0, folders: [] };
  for await (const entry of await opendir(dir, { bufferSize: 512 })) {
    signal.throwIfAborted();
    found.entries++;
    if (!entry.isDirectory() && roleOf(entry.name, []) === 'video') return { ...found, hasVideo: true };
    if (!isInner(entry)) continue;
    found.folders?.push(entry.name);
    if (found.folders && found.folders.length > MOST_REMEMBERED) found.folders = undefined;
  }
  return found;
}

function isInner(entry: Dirent): boolean {
  return entry.isDirectory() && !entry.name.startsWith('.');
}
