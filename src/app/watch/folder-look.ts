import { closeSync, readSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, matchesGlob } from 'node:path';
import { decodeText } from '../../core/file-text.ts';
import { type FileIdentity, identityOf } from '../../core/recording/file-identity.ts';
import { isUnfinishedName, roleOf, SIDECAR_NAMES } from '../../core/recording/file-roles.ts';
import { nameForm } from '../../core/recording/name-form.ts';
import { openFound } from '../../core/recording/open-file.ts';
import type { Role } from '../../core/recording/recording.ts';
import type { LookedFor } from '../../core/recording/writers.ts';

/** A file of a recording's folder as one look found it. */
export interface SeenFile extends FileIdentity, LookedFor {
  /** `nameForm` of the one in the folder. */
  name: string;
  role: Role | 'sidecar';
  /** When its content or its attributes changed last, in milliseconds since 1970. Nobody can set that back. */
  changedAt: number;
}

/** What one look at a folder found. */
export interface FolderLook {
  dir: string;
  /** What an upload would send, and the sidecar; without a video, the folder is no recording. */
  files: SeenFile[];
  /** Name of a file that some program has not finished. */
  unfinished: string | undefined;
  /** Name of the marker file. */
  marker: string | undefined;
}

/** Which names matter. */
export interface NameRules {
  extraFiles: readonly string[];
  /** A name or glob. */
  marker: string | undefined;
}

/**
 * Looks at a folder without blocking the thread.
 * @returns undefined if it is gone
 * @throws Node's system errors but those that say so
 */
export async function lookAtFolder(dir: string, { extraFiles, marker }: NameRules): Promise<FolderLook | undefined> {
  const names = await orGone(readdir(dir));
  if (!names) return undefined;
  const files: SeenFile[] = [];
  for (const name of names) {
    const role = isSidecar(name) ? 'sidecar' : roleOf(name, extraFiles);
    const seen = role && (await lookAtFile(dir, name, role));
    if (seen) files.push(seen);
  }
  return {
    dir,
    files,
    unfinished: names.find(isUnfinishedName),
    marker: marker === undefined ? undefined : names.find(name => isMarker(name, marker)),
  };
}

function isMarker(name: string, marker: string): boolean {
  const [one, wanted] = [nameForm(name), nameForm(marker)];
  return one === wanted || matchesGlob(one, wanted);
}

export function videoOf({ files }: FolderLook): SeenFile | undefined {
  return files.find(({ role }) => role === 'video');
}

function isSidecar(name: string): boolean {
  const names: readonly string[] = SIDECAR_NAMES;
  return names.includes(name);
}

/** Undefined: it is gone again, or is no file. */
async function lookAtFile(dir: string, name: string, role: SeenFile['role']): Promise<SeenFile | undefined> {
  const path = join(dir, name);
  const stats = await orGone(stat(path, { bigint: true }));
  if (!stats?.isFile()) return undefined;
  return {
    name: nameForm(name),
    role,
    path,
    ...identityOf(stats),
    device: Number(stats.dev),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mode: Number(stats.mode),
    changedAt: Number(stats.ctimeMs),
  };
}

async function orGone<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    const gone = ['ENOENT', 'ENOTDIR', 'ESTALE'];
    if (gone.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

const MOST_BYTES = 1024 * 1024;

/**
 * What the recorder's notes say: `finished: true` or a `finished_at` that is not empty, or `finished: false`.
 * @returns undefined if they say nothing, or cannot be read (yet)
 */
export function readFinished(file: SeenFile): boolean | undefined {
  try {
    const fd = openFound({ path: file.path, device: String(file.device), inode: file.inode });
    try {
      const buffer = Buffer.allocUnsafe(Math.min(file.sizeBytes, MOST_BYTES));
      const text = decodeText(buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0)));
      const notes: unknown = text.ok ? JSON.parse(text.text) : undefined;
      if (typeof notes !== 'object' || notes === null) return undefined;
      const { finished, finished_at: finishedAt } = notes as Record<string, unknown>;
      if (typeof finished === 'boolean') return finished;
      return (
        (typeof finishedAt === 'string' && finishedAt.trim() !== '') || typeof finishedAt === 'number' || undefined
      );
    } finally {
      closeSync(fd);
    }
  } catch {
    // Still being written; an upload says what is wrong with it.
    return undefined;
  }
}
