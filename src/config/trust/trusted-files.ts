import { createHash, randomUUID } from 'node:crypto';
import { realpath, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod/mini';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import { makeFolder } from '../../core/make-folder.ts';
import { readSmallFile, Unreadable } from '../../core/read-file.ts';
import { whyNotWritten } from '../../core/write-failure.ts';
import { type Machine, userFolders } from '../paths.ts';
import { flawOfTrust } from '../permissions.ts';
import type { Trust } from './levels.ts';

/** A folder's file that the operator trusts. */
export interface TrustedFile {
  /** Its real path. */
  file: string;
  /** SHA-256 (hex) of what it says, as it was when it was trusted. */
  sha256: string;
  /** When, in milliseconds since 1970. */
  since: number;
}

const SCHEMA = z.object({
  version: z.literal(1),
  files: z.array(z.object({ file: z.string(), sha256: z.string(), since: z.number() })),
});

/** SHA-256 (hex) of what a file says. */
export function hashOf(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

/**
 * The list of trusted files: `trusted.json` in the user's own state folder, wherever the configuration says that the state
 * is, because a folder's file must not bring a list of its own.
 */
function trustList(machine: Machine): string {
  return path.join(userFolders(machine).state, 'trusted.json');
}

/**
 * Reads the list; a missing one is empty.
 * @throws AppError `CONFIG` if others can change it, or it cannot be read
 */
export async function readTrusted(machine: Machine): Promise<TrustedFile[]> {
  const list = trustList(machine);
  const refuse = (why: string) =>
    new AppError('CONFIG', `${list} ${why}`, {
      hint: 'delete it, then trust the files again: recordupload config trust',
    });
  try {
    const { bytes, stats } = await readSmallFile(list);
    const flaw = flawOfTrust(stats, list, machine);
    if (flaw !== undefined) throw refuse(flaw);
    const parsed = SCHEMA.safeParse(JSON.parse(bytes.toString('utf8')));
    if (!parsed.success) throw refuse('is not a list of trusted files');
    return parsed.data.files;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return [];
    if (error instanceof SyntaxError) throw refuse('is not valid JSON');
    if (error instanceof Unreadable) throw refuse(error.flaw);
    if (error instanceof AppError) throw error;
    throw refuse(`cannot be read: ${(error as Error).message}`);
  }
}

/** What a folder's file may decide, and whether it was trusted before with other content. */
export function trustOf(
  { realFile, sha256 }: { realFile: string; sha256: string },
  trusted: readonly TrustedFile[],
): { trust: Trust; hasChanged: boolean } {
  const known = trusted.find(({ file }) => file === realFile);
  return { trust: known?.sha256 === sha256 ? 'trusted' : 'folder', hasChanged: known !== undefined };
}

/**
 * Trusts these files, with the content that they have now.
 * @throws AppError `CONFIG` if the list cannot be read or written
 */
export async function trustFiles(
  files: readonly { realFile: string; sha256: string }[],
  machine: Machine,
  now: number,
): Promise<void> {
  const paths = new Set(files.map(({ realFile }) => realFile));
  const others = (await readTrusted(machine)).filter(({ file }) => !paths.has(file));
  await writeTrusted(
    [...others, ...files.map(({ realFile, sha256 }) => ({ file: realFile, sha256, since: now }))],
    machine,
  );
}

/**
 * Trusts these files no longer.
 * @returns how many of them were trusted
 * @throws AppError `CONFIG` as `trustFiles`
 */
export async function distrustFiles(realFiles: readonly string[], machine: Machine): Promise<number> {
  const before = await readTrusted(machine);
  const after = before.filter(({ file }) => !realFiles.includes(file));
  if (after.length < before.length) await writeTrusted(after, machine);
  return before.length - after.length;
}

/** The real path; of a file that is gone, the one that it had. */
export async function realFileOf(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR')) throw error;
    return path.resolve(file);
  }
}

async function writeTrusted(files: readonly TrustedFile[], machine: Machine): Promise<void> {
  const list = trustList(machine);
  // Another process never reads half a list.
  const draft = `${list}.${randomUUID()}`;
  try {
    makeFolder(path.dirname(list), 0o700);
    await writeFile(draft, `${JSON.stringify({ version: 1, files }, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await rename(draft, list);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw new AppError('CONFIG', `${list} cannot be written: ${whyNotWritten(error as Error, list)}`, {
      hint: 'check the permissions of that folder and the room on its disk',
      cause: error,
    });
  }
}
