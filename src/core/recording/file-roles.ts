import { matchesGlob } from 'node:path';
import { nameForm } from './name-form.ts';
import type { Role } from './recording.ts';

/** The extensions that a role's file may have; the name before the extension is that of the role. */
const EXTENSIONS = {
  video: ['mkv', 'mp4', 'webm', 'mov', 'avi', 'm4v', 'mpg', 'mpeg', 'ts', 'ogv', 'wmv', 'flv'],
  thumbnail: ['jpg', 'jpeg', 'png', 'webp'],
  transcript: ['txt', 'vtt', 'srt', 'json'],
} as const satisfies Record<Exclude<Role, 'extra'>, readonly string[]>;

/** The roles that a recording has at most one file of, in the payload's order. */
export const SINGLE_ROLES = ['video', 'thumbnail', 'transcript'] as const;
/** The names of sidecars; if both exist, the first counts. */
export const SIDECAR_NAMES = ['recording.json', 'metadata.json'] as const;

/** Ignores case, so that no spelling of a sidecar is uploaded as an extra file: sidecars contain recorders' tokens. */
const SIDECAR = /^(?:recording|metadata)\.json$/i;
/** What programs append to the name of a file that they have not finished. */
const UNFINISHED_ENDING =
  /(?:~|\.(?:part|partial|filepart|tmp|temp|crdownload|opdownload|download|incomplete|inprogress|aria2|ytdl|!ut|!qb)(?:-?(?:Frag)?\d+)?)$/i;
/** rsync writes `.video.mkv.x7Ka3P`, Syncthing `.syncthing.video.mkv.tmp`. */
const UNFINISHED_HIDDEN = /^\.(?:syncthing\.)?(.+)\.[A-Za-z0-9]{6}$/;
const HIDDEN_OR_PARTIAL = new RegExp(`^\\.|\\.swp$|${UNFINISHED_ENDING.source}`, 'i');
/** `uploaded_files` has these keys already. */
const ROLE_KEYS = new Set(['video', 'thumbnail', 'transcript', 'metadata']);

/** The role of a file, by its name alone; undefined: it is not uploaded. */
export function roleOf(given: string, extraFiles: readonly string[]): Role | undefined {
  const name = nameForm(given);
  if (HIDDEN_OR_PARTIAL.test(name) || SIDECAR.test(name)) return undefined;
  const [, stem, extension] = /^([^.]+)\.([^.]+)$/.exec(name.toLowerCase()) ?? [];
  for (const role of SINGLE_ROLES) {
    const extensions: readonly string[] = EXTENSIONS[role];
    if (stem === role && extension !== undefined && extensions.includes(extension)) return role;
  }
  if (ROLE_KEYS.has(name)) return undefined;
  const globs = extraFiles.map(glob => nameForm(glob.replace(/^\.\//, '')));
  return globs.some(glob => matchesGlob(name, glob)) ? 'extra' : undefined;
}

/**
 * True for the name of a file of a recording that is still being written or copied: `video.mkv.part`, `.video.mkv.x7Ka3P`,
 * `2025-10-24.mp4.crdownload`. A backup that an editor has left (`transcript.txt~`) is none.
 */
export function isUnfinishedName(name: string): boolean {
  const [ending] = UNFINISHED_ENDING.exec(name) ?? [];
  const bare = ending !== undefined ? name.slice(0, -ending.length) : UNFINISHED_HIDDEN.exec(name)?.[1];
  if (bare === undefined) return false;
  const visible = bare.replace(/^\.(?:syncthing\.)?|^~syncthing~/, '');
  if (/^video(?:\.|$)/i.test(visible) || looksLikeVideo(visible)) return true;
  return ending !== '~' && /^(?:thumbnail|transcript|recording|metadata)\./i.test(visible);
}

/** True for names that end like a video's; for hints. */
export function looksLikeVideo(name: string): boolean {
  const extension = /\.([^.]+)$/.exec(name.toLowerCase())?.[1];
  const extensions: readonly string[] = EXTENSIONS.video;
  return extension !== undefined && extensions.includes(extension);
}
