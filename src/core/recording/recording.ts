import { AppError } from '../errors.ts';

/** What a file is to the recording; `extra` are those that the configuration's `extraFiles` name. */
export type Role = 'video' | 'thumbnail' | 'transcript' | 'extra';

/** A recording's identity: the server's unique key, and the prefix of its objects in the bucket. */
export type RecordingId = string & { readonly brand: 'RecordingId' };

/** One file of a recording, as it was when the folder was read. */
export interface RecordingFile {
  role: Role;
  /** The file's name below `<id>/` in the bucket: `nameForm` of the one in the folder, which `path` has. */
  name: string;
  /** Absolute path. */
  path: string;
  sizeBytes: number;
  /** Modification time in nanoseconds, as decimal digits (it does not fit a JavaScript number). */
  mtimeNs: string;
  /** Inode number, as decimal digits. */
  inode: string;
  /** Number of the device that the inode is on, as decimal digits. */
  device: string;
  contentType: string;
}

/** What is known about a recording besides its files. Each value comes from a flag, the sidecar, the configuration or the video. */
export interface RecordingDetails {
  title: string;
  /** Start of the recording: UTC, `YYYY-MM-DD HH:MM:SS.ffffff` (the contract's form). */
  createdAt: string;
  /** Whole seconds, measured from the media. */
  durationSeconds?: number | undefined;
  /** Whole seconds, as the recorder noted it. */
  durationDatabaseSeconds?: number | undefined;
  user: { username?: string | undefined; email?: string | undefined };
  /** Where `user.email` comes from: `asked` for with the upload, the `sidecar`, or `configured`. Missing in older states. */
  emailFrom?: 'asked' | 'sidecar' | 'configured' | undefined;
  /** The same for `user.username`. */
  usernameFrom?: 'asked' | 'sidecar' | 'configured' | undefined;
}

/** A finished recording: a folder that has been read and found usable. */
export interface Recording {
  id: RecordingId;
  /** Absolute path of the folder. */
  dir: string;
  files: RecordingFile[];
  /** Names in the folder that are neither uploaded nor sidecars, sorted. */
  skipped: string[];
  details: RecordingDetails;
}

const MAX_ID_LENGTH = 64;
/** One path segment that is safe in a URL and in a key; no leading dot. It is never a file name of ours: Windows has none such as CON. */
const VALID_ID = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/**
 * Parses a recording id: 1–64 characters of `A–Z a–z 0–9 . _ -`, not starting with `.` or `-`.
 * @param where what the text was, for the message: `--id`, `recording.json: recording_id`, …
 * @param code what an invalid ID is an error of: the command line (`USAGE`) or the folder (`RECORDING`)
 */
export function parseRecordingId(text: string, where: string, code: 'USAGE' | 'RECORDING'): RecordingId {
  if (isRecordingId(text)) return text;
  throw new AppError(code, `${where}: ${JSON.stringify(text.slice(0, 80))} is not a valid recording ID`, {
    hint: `use 1 to ${MAX_ID_LENGTH} letters, digits, ".", "_" or "-", for example --id 42`,
  });
}

export function isRecordingId(text: string): text is RecordingId {
  return text.length <= MAX_ID_LENGTH && VALID_ID.test(text) && !text.includes('..');
}

/** The id as the contract's payload has it: a JSON number where it is a whole number, else a string. */
export function idForPayload(id: RecordingId): number | string {
  const number = Number(id);
  return Number.isSafeInteger(number) && number >= 0 && String(number) === id ? number : id;
}
