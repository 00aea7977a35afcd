import { type Dirent, readdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../errors.ts';
import { shellQuoted } from '../shell-quoted.ts';
import { printable } from '../text.ts';
import { contentTypeOf } from './content-types.ts';
import { type FileIdentity, identityOf } from './file-identity.ts';
import { looksLikeVideo, roleOf, SIDECAR_NAMES, SINGLE_ROLES } from './file-roles.ts';
import { MisnamedError, problem, systemCode, systemProblem } from './folder-problem.ts';
import { type InspectedFile, inspectFile } from './inspect-file.ts';
import { nameForm } from './name-form.ts';
import type { FoundFile } from './open-file.ts';
import type { RecordingFile, Role } from './recording.ts';

/** The content of a recording's folder. */
export interface RecordingFolder {
  /** Absolute path with no symbolic link in it. */
  dir: string;
  /** The video first, then thumbnail, transcript, and extra files by name. */
  files: RecordingFile[];
  /** The video's times, in nanoseconds since 1970; a birth time of 0 is unknown. */
  videoTimes: { birthtimeNs: bigint; mtimeNs: bigint };
  sidecar: { name: string; file: FoundFile & FileIdentity } | undefined;
  skipped: string[];
}

/**
 * Lists a recording's folder and finds the role of each name. Opens and writes nothing.
 * @throws AppError `RECORDING` if the folder is not a usable recording, `USAGE` if no folder is named
 */
export function readFolder(given: string, extraFiles: readonly string[]): RecordingFolder {
  const { dir, names, subfolders } = list(given);
  const byRole: Record<Role, string[]> = { video: [], thumbnail: [], transcript: [], extra: [] };
  const skipped: string[] = [];
  const sidecars: readonly string[] = SIDECAR_NAMES;
  for (const name of names) {
    // A sub-folder is skipped, whatever the globs say. A folder with the name of a role is a mistake and reported below.
    const role = roleOf(name, subfolders.has(name) ? [] : extraFiles);
    if (role) byRole[role].push(name);
    else if (!sidecars.includes(name)) skipped.push(name);
  }
  for (const role of SINGLE_ROLES) {
    if (byRole[role].length > 1) {
      throw problem(dir, `has more than one ${role}: ${byRole[role].map(printable).join(', ')}`, {
        hint: `leave one ${role} in it`,
      });
    }
  }
  refuseTwins(dir, byRole.extra);
  if (byRole.video.length === 0) throw noVideo(dir, names, subfolders);

  const files: RecordingFile[] = [];
  let videoTimes = { birthtimeNs: 0n, mtimeNs: 0n };
  for (const role of [...SINGLE_ROLES, 'extra'] as const) {
    for (const name of byRole[role]) {
      const { path, stats } = inspectFile(dir, name);
      if (role === 'video') {
        if (stats.size === 0n) {
          throw problem(join(dir, name), 'is empty', { hint: 'wait until the recorder has written it' });
        }
        videoTimes = { birthtimeNs: stats.birthtimeNs, mtimeNs: stats.mtimeNs };
      }
      const device = String(stats.dev);
      files.push({ role, name: nameForm(name), path, ...identityOf(stats), device, contentType: contentTypeOf(name) });
    }
  }
  const name = SIDECAR_NAMES.find(candidate => names.includes(candidate));
  const sidecar = name === undefined ? undefined : { name, file: found(inspectFile(dir, name)) };
  return { dir, files, videoTimes, sidecar, skipped };
}

/** Two files whose names look the same would become two objects that nobody can tell apart. */
function refuseTwins(dir: string, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const form = nameForm(name);
    if (seen.has(form)) {
      throw problem(dir, `has two files of one name: ${printable(form)}, in two Unicode forms (NFC and NFD)`, {
        hint: 'rename or remove one of them',
      });
    }
    seen.set(form, name);
  }
}

function found({ path, stats }: InspectedFile): FoundFile & FileIdentity {
  return { path, device: String(stats.dev), ...identityOf(stats) };
}

function list(given: string): { dir: string; names: string[]; subfolders: Set<string> } {
  // resolve('') is the working directory: an unset variable in a script must not upload that.
  if (given === '') {
    throw new AppError('USAGE', 'the folder is missing: its path is an empty text', {
      hint: 'name the folder; is a variable unset?',
    });
  }
  let dir = resolve(given);
  let entries: Dirent[];
  try {
    dir = realpathSync.native(dir);
    entries = readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') {
      throw new MisnamedError(dir, 'is not a folder', `name the folder that holds it: ${printable(dirname(dir))}`);
    }
    throw systemProblem(dir, error);
  }
  if (entries.length === 0) throw problem(dir, 'is empty', { hint: 'put the video there as video.mkv, video.mp4, …' });
  // Compared by code units, so that the order does not depend on the machine's locale.
  const names = entries.map(entry => entry.name).sort();
  return { dir, names, subfolders: new Set(entries.filter(entry => entry.isDirectory()).map(entry => entry.name)) };
}

function noVideo(dir: string, names: string[], subfolders: ReadonlySet<string>): AppError {
  if (isAboveRecordings(names.filter(name => subfolders.has(name)).map(name => join(dir, name)))) {
    const all = `recordupload upload --recursive ${shellQuoted(dir)}`;
    return new MisnamedError(dir, 'has no video, but the folders in it have', `to upload all of them: ${all}`);
  }
  const partial = names.find(name => /^video\..*\.(?:part|partial|tmp|temp|crdownload|download)$/i.test(name));
  if (partial) {
    return problem(dir, `has no video yet: ${printable(partial)} is not finished`, { hint: 'try again once it is' });
  }
  const other = names.find(looksLikeVideo);
  const hint = other
    ? `rename ${printable(other)} to video.${other.slice(other.lastIndexOf('.') + 1)}`
    : 'the video is named video.mkv, video.mp4, video.webm, …';
  return problem(dir, 'has no video', { hint });
}

/** How many folders are looked into: this is only about what to advise, and somebody may have named `/`. */
const MOST_LOOKED = 200;

/** Whether one of these folders, or one below them, has a video. One that cannot be read does not count. */
function isAboveRecordings(folders: readonly string[]): boolean {
  const left = [...folders];
  for (let looked = 0; looked < MOST_LOOKED; looked++) {
    const dir = left.shift();
    if (dir === undefined) return false;
    try {
      const entries = readdirSync(dir, { withFileTypes: true });
      if (entries.some(entry => !entry.isDirectory() && roleOf(entry.name, []) === 'video')) return true;
      const below = entries.filter(entry => entry.isDirectory() && !entry.name.startsWith('.'));
      left.push(...below.map(({ name }) => join(dir, name)));
    } catch {}
  }
  return false;
}
