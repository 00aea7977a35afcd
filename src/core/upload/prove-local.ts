import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { hasErrorCode } from '../errors.ts';
import { type FileIdentity, identityOf, sameFile } from '../recording/file-identity.ts';
import { roleOf } from '../recording/file-roles.ts';
import { nameForm } from '../recording/name-form.ts';
import { type OpenedFolder, openFolder, type PinnedFile } from '../recording/opened-folder.ts';
import { findWriters } from '../recording/writers.ts';
import { shellQuoted } from '../shell-quoted.ts';
import type { KeptNote, LocalFile, LocalRecording } from './local-files.ts';
import type { LocalRemovalDeps, LocalRemovalRequest, NotRemoved } from './local-removal.ts';
import { whyNotYet } from './may-remove.ts';
import { flawOfObject, hasUploadedBytes } from './verify-local.ts';
import { notRemovedFor } from './why-not-removed.ts';

/** A file whose bytes the bucket has, as it was when they were read. */
export interface ProvenFile {
  stored: LocalFile;
  pinned: PinnedFile;
}

/** A folder whose files may be removed; the caller closes it. */
export interface Proven {
  folder: OpenedFolder;
  /** The video first. */
  files: ProvenFile[];
}

/** Files that were proven to differ are read again after this time, unless they change before. */
const DAY_MS = 86_400_000;

/**
 * Finds out whether the local files of a recording may be removed: first what the state says, then what the bucket has,
 * then the bytes in the folder, then the first two again, because reading takes its time. One flaw keeps all of them.
 * @param options.restore move back what an interrupted removal has left
 * @throws RemovalStopped, AppError `STATE`, the signal's reason once it aborts
 */
export async function proveLocalFiles(
  recording: LocalRecording,
  request: LocalRemovalRequest,
  deps: LocalRemovalDeps,
  { restore }: { restore: boolean },
): Promise<Proven | NotRemoved> {
  const { dir } = recording;
  const reason = whyNotYet(recording, request, deps.clock.now());
  if (reason !== undefined) return { outcome: 'waiting', reason };
  let folder: OpenedFolder;
  try {
    folder = openFolder(dir);
  } catch (error) {
    // A disk that is not mounted has no folder either: only what was noted counts.
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return { outcome: 'gone', isOurs: isNotedAsRemoved(recording) };
    return notRemovedFor(dir, error);
  }
  let proven: Proven | undefined;
  try {
    const [taken] = restore ? folder.restore() : [];
    if (taken !== undefined)
      return kept(`${join(dir, taken)} was left by an interrupted removal, and its name is taken in the folder`);
    if (folder.isMountPoint()) return kept(`${dir} is a mount point: another disk is in its place`);
    const found = await proveFiles(folder, recording, request, deps);
    if ('outcome' in found) return found;
    proven = { folder, files: found };
    return proven;
  } catch (error) {
    return notRemovedFor(dir, error);
  } finally {
    if (!proven) folder.close();
  }
}

function isNotedAsRemoved({ isRemoving, files }: LocalRecording): boolean {
  return isRemoving && files.every(({ state, removedAt }) => state !== 'uploaded' || removedAt !== null);
}

async function proveFiles(
  folder: OpenedFolder,
  recording: LocalRecording,
  request: LocalRemovalRequest,
  deps: LocalRemovalDeps,
): Promise<ProvenFile[] | NotRemoved> {
  const { id, target, files, isRemoving } = recording;
  const { clock, localFiles } = deps;
  const flaw = whyNotUploaded(folder.names(), recording, request.extraFiles);
  if (flaw !== undefined) return kept(flaw);
  const present = files.flatMap(stored => {
    const stats = folder.look(stored.name);
    return stats ? [{ stored, stats }] : [];
  });
  // Interrupted before its end: the folder is left.
  if (present.length === 0) return isRemoving ? [] : { outcome: 'gone', isOurs: false };
  for (const one of present) {
    const flaw = flawOfFile(one, recording, request, clock.now());
    if (flaw) return flaw;
  }
  folder.assertWritable();
  const objects = () => flawOfObjects(present, recording, request, deps);
  const writers = () => flawOfWriters(present, recording);
  const lost = (await writers()) ?? (await objects());
  if (lost) return lost;
  const proven: ProvenFile[] = [];
  for (const { stored } of present) {
    const file = folder.open(stored.name);
    try {
      if (!(await hasUploadedBytes(file, stored, deps)))
        return {
          outcome: 'kept',
          reason: changedText(recording, stored),
          seen: readInVain(stored.name, file.pinned, clock.now(), DAY_MS),
        };
      proven.push({ stored, pinned: file.pinned });
    } finally {
      file.close();
    }
  }
  const now = await localFiles.look({ target, recordingId: id });
  const reason = now ? whyNotYet(now, request, clock.now()) : 'it is not done any more';
  if (reason !== undefined) return { outcome: 'waiting', reason };
  return (await objects()) ?? (await writers()) ?? proven.toSorted((a, b) => rank(a) - rank(b));
}

/** A folder that lost its video is no recording: nobody uploads what is left of it as a smaller one. */
const rank = ({ stored }: ProvenFile) => (stored.role === 'video' ? 0 : 1);

/** What an upload of the folder would send now, and the bucket does not have: the recording is not uploaded as it is. */
function whyNotUploaded(
  names: readonly string[],
  { dir, files }: LocalRecording,
  extraFiles: readonly string[],
): string | undefined {
  const uploaded = new Set(files.filter(({ state }) => state === 'uploaded').map(({ name }) => nameForm(name)));
  const known = new Set(files.map(({ name }) => nameForm(name)));
  const isWanted = (name: string) => roleOf(name, extraFiles) !== undefined || known.has(nameForm(name));
  const forms = names.map(nameForm);
  // Of two files of one name, in two Unicode forms, at most one is uploaded.
  const isUploaded = (name: string) => uploaded.has(name) && forms.indexOf(name) === forms.lastIndexOf(name);
  const name = names.find(name => !isUploaded(nameForm(name)) && isWanted(name));
  return name === undefined ? undefined : `${join(dir, name)} is not uploaded; ${uploadIt(dir)}`;
}

/** What its name, kind and size say about a file; nothing is read. */
function flawOfFile(
  { stored, stats }: { stored: LocalFile; stats: BigIntStats },
  recording: LocalRecording,
  { again }: LocalRemovalRequest,
  now: number,
): NotRemoved | undefined {
  const path = join(recording.dir, stored.name);
  if (!stats.isFile()) return kept(`${path} is no regular file; links are never removed`);
  if (stats.nlink > 1n) return kept(`${path} has another name as well (a hard link): its removal would free nothing`);
  const identity = identityOf(stats);
  if (identity.sizeBytes !== stored.sizeBytes) return kept(changedText(recording, stored));
  const { note } = recording;
  const seen = note?.seen?.name === stored.name ? note.seen : undefined;
  if (!note || !seen || again || now < seen.at || now >= seen.againAt) return undefined;
  return sameFile(seen, identity) ? { outcome: 'kept', reason: note.text, seen } : undefined;
}

/** What a program still writes may be more than was uploaded. */
async function flawOfWriters(
  present: readonly { stored: LocalFile; stats: BigIntStats }[],
  { dir }: LocalRecording,
): Promise<NotRemoved | undefined> {
  const files = present.map(({ stored, stats: { dev, ino, uid, gid, mode } }) => ({
    path: join(dir, stored.name),
    device: Number(dev),
    inode: String(ino),
    uid: Number(uid),
    gid: Number(gid),
    mode: Number(mode),
  }));
  const writers = await findWriters(files);
  const open = files.find(({ path }) => writers.get(path) === 'open');
  return open && { outcome: 'waiting', reason: `${open.path} is open for writing in another program` };
}

async function flawOfObjects(
  present: readonly { stored: LocalFile }[],
  { id }: LocalRecording,
  { ageMs }: LocalRemovalRequest,
  deps: LocalRemovalDeps,
): Promise<NotRemoved | undefined> {
  for (const { stored } of present) {
    deps.signal.throwIfAborted();
    const flaw = await flawOfObject(id, stored, deps, { now: deps.clock.now(), ageMs });
    if (flaw) return { outcome: flaw.isWaiting ? 'waiting' : 'kept', reason: flaw.text };
  }
  return undefined;
}

/** A file that need not be read again for some time, unless it changes. */
export function readInVain(
  name: string,
  { sizeBytes, mtimeNs, inode }: FileIdentity,
  now: number,
  forMs: number,
): KeptNote['seen'] {
  return { name, sizeBytes, mtimeNs, inode, at: now, againAt: now + forMs };
}

function changedText({ dir }: LocalRecording, { name }: LocalFile): string {
  return `${join(dir, name)} is not the file that was uploaded; ${uploadIt(dir)}`;
}

function uploadIt(dir: string): string {
  return `to upload the folder as it is now: recordupload upload ${shellQuoted(dir)}`;
}

function kept(reason: string): NotRemoved {
  return { outcome: 'kept', reason };
}
