import { matchesGlob } from 'node:path';
import type { Role } from './recording.ts';

/** Which extensions a role's file may have; its name before them is the role's own. */
const EXTENSIONS = {
  video: ['mkv', 'mp4', 'webm', 'mov', 'avi', 'm4v', 'mpg', 'mpeg', 'ts', 'ogv', 'wmv', 'flv'],
  thumbnail: ['jpg', 'jpeg', 'png', 'webp'],
  transcript: ['txt', 'vtt', 'srt', 'json'],
} as const satisfies Record<Exclude<Role, 'extra'>, readonly string[]>;

/** The roles that a recording has one file of, in the payload's order. */
export const SINGLE_ROLES = ['video', 'thumbnail', 'transcript'] as const;
/** The sidecars, the one that counts first. */
export const SIDECAR_NAMES = ['recording.json', 'metadata.json'] as const;

/** Case does not count, so that no spelling of a sidecar (they hold recorders' tokens) is uploaded as an extra file. */
const SIDECAR = /^(?:recording|metadata)\.json$/i;
const HIDDEN_OR_PARTIAL = /^\.|~$|\.(?:part|partial|tmp|temp|crdownload|download|swp)$/i;
/** `uploaded_files` has these keys already. */
const ROLE_KEYS = new Set(['video', 'thumbnail', 'transcript', 'metadata']);

/** What a file is to the recording, by its name alone; undefined: it is not uploaded. */
export function roleOf(name: string, extraFiles: readonly string[]): Role | undefined {
  if (HIDDEN_OR_PARTIAL.test(name) || SIDECAR.test(name)) return undefined;
  const [, stem, extension] = /^([^.]+)\.([^.]+)$/.exec(name.toLowerCase()) ?? [];
  for (const role of SINGLE_ROLES) {
    const extensions: readonly string[] = EXTENSIONS[role];
    if (stem === role && extension !== undefined && extensions.includes(extension)) return role;
  }
  if (ROLE_KEYS.has(name)) return undefined;
  return extraFiles.some(glob => matchesGlob(name, glob.replace(/^\.\//, ''))) ? 'extra' : undefined;
}

/** True for names that end like a video's, whatever they begin with; for hints. */
export function looksLikeVideo(name: string): boolean {
  const extension = /\.([^.]+)$/.exec(name.toLowerCase())?.[1];
  const extensions: readonly string[] = EXTENSIONS.video;
  return extension !== undefined && extensions.includes(extension);
}
