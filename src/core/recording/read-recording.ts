import { basename, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { parseEmail } from '../email.ts';
import { AppError } from '../errors.ts';
import { printable } from '../text.ts';
import { charsetOf } from './charset.ts';
import { containerTime } from './container-time.ts';
import { withCharset } from './content-types.ts';
import { derivedId } from './derived-id.ts';
import { type Measurement, measureDuration, parseDuration } from './duration.ts';
import { sameFile } from './file-identity.ts';
import { replaced, systemProblem } from './folder-problem.ts';
import { objectKey } from './object-key.ts';
import { refuseTooLarge } from './object-size.ts';
import { FileReplaced } from './open-file.ts';
import { type RecordingFolder, readFolder } from './read-folder.ts';
import { parseRecordingId, type Recording, type RecordingFile, type RecordingId } from './recording.ts';
import { awaitSettled, type SettleOptions } from './settle.ts';
import { oneLine, readSidecar, type Sidecar } from './sidecar.ts';
import { defaultTitle, formatUtc, type Microseconds, parseTimestamp, TIMESTAMP_HINT } from './timestamps.ts';

/** What the caller says about the recording, as it was typed. Beats everything else. */
export interface RecordingOverrides {
  id?: string | undefined;
  title?: string | undefined;
  email?: string | undefined;
  username?: string | undefined;
  createdAt?: string | undefined;
  /** Whole seconds, or text as `parseDuration` takes it. */
  durationSeconds?: number | string | undefined;
}

/** What the configuration says about all recordings; `Config` fits. */
export interface RecordingDefaults {
  user: { name?: string | undefined; email?: string | undefined };
  extraFiles: readonly string[];
  /** What an ID that comes from the folder begins with; undefined: it is as it is. */
  idPrefix?: string | undefined;
}

export interface ReadRecordingDeps {
  clock: Pick<Clock, 'monotonic'>;
  /** Gets what is wrong but stops nothing. */
  warn(message: string): void;
  signal?: AbortSignal | undefined;
  /** How long the duration may be measured; default 30 s. */
  measureLimitMs?: number | undefined;
  /** Waits until nobody writes to the files any more; undefined: they are read as they are. */
  settle?: SettleOptions | undefined;
}

const MEASURE_LIMIT_MS = 30_000;

/**
 * Reads a folder as a finished recording. Each detail is taken from the flags, else the sidecar, else the configuration,
 * else derived from the video. The folder is not written to.
 * @throws AppError `RECORDING` if the folder is not a usable recording, `USAGE` if an override is wrong
 */
export async function readRecording(
  dir: string,
  overrides: RecordingOverrides,
  defaults: RecordingDefaults,
  deps: ReadRecordingDeps,
): Promise<Recording> {
  const flags = parseOverrides(overrides);
  const folder = await settledFolder(dir, defaults.extraFiles, deps);
  const { name, file } = folder.sidecar ?? {};
  const sidecar: Sidecar = name && file ? readSidecar(folder.dir, name, file) : {};
  const id = flags.id ?? idFromFolder(folder, sidecar, defaults.idPrefix);
  for (const { name } of folder.files) objectKey(id, name); // throws where a name makes no key
  refuseTooLarge(folder, deps.warn);

  const { durationSeconds, durationDatabaseSeconds, taggedTime } = await settleDurations(flags, sidecar, folder, deps);
  // Measuring takes a while: whether somebody writes to the files with old time stamps shows only now.
  const changed = deps.settle ? changedSince(folder, defaults.extraFiles) : undefined;
  if (deps.settle && changed && changed.size > 0) {
    return await readRecording(dir, overrides, defaults, { ...deps, settle: { ...deps.settle, changed } });
  }
  const start =
    flags.createdAt ??
    sidecar.createdAt ??
    timeInVideo(folder) ??
    taggedTime ??
    startOf(folder.videoTimes, durationSeconds ?? durationDatabaseSeconds);
  return {
    id,
    dir: folder.dir,
    files: folder.files.map(file => ({ ...file, contentType: contentTypeIn(folder.dir, file) })),
    skipped: folder.skipped,
    details: {
      title: flags.title ?? sidecar.title ?? defaultTitle(start),
      createdAt: formatUtc(start),
      durationSeconds,
      durationDatabaseSeconds,
      user: {
        username: flags.username ?? sidecar.username ?? oneLine(defaults.user.name),
        email: flags.email ?? sidecar.email ?? oneLine(defaults.user.email),
      },
      emailFrom: sourceOf(flags.email, sidecar.email),
      usernameFrom: sourceOf(flags.username, sidecar.username),
    },
  };
}

function sourceOf(flag: string | undefined, noted: string | undefined): 'asked' | 'sidecar' | 'configured' {
  if (flag !== undefined) return 'asked';
  return noted !== undefined ? 'sidecar' : 'configured';
}

/** Paths of the files that are not as an earlier look found them. */
function changedSince({ dir, files }: RecordingFolder, extraFiles: readonly string[]): ReadonlySet<string> {
  const before = new Map(files.map(file => [file.path, file]));
  const isChanged = (file: RecordingFile) => {
    const known = before.get(file.path);
    return !known || !sameFile(known, file);
  };
  return new Set(
    readFolder(dir, extraFiles)
      .files.filter(isChanged)
      .map(({ path }) => path),
  );
}

/** The folder, once nobody writes to its files any more. */
function settledFolder(
  dir: string,
  extraFiles: readonly string[],
  { settle }: ReadRecordingDeps,
): Promise<RecordingFolder> | RecordingFolder {
  const look = () => readFolder(dir, extraFiles);
  if (!settle) return look();
  return awaitSettled(look, ({ files, sidecar }) => (sidecar ? [...files, sidecar.file] : files), settle);
}

/** Valid `RecordingOverrides`. */
export interface ParsedOverrides extends Sidecar {
  id?: RecordingId | undefined;
}

/**
 * Parses what was typed. Called before the folder is read, so that a mistyped flag is reported at once.
 * @throws AppError `USAGE`
 */
export function parseOverrides(overrides: RecordingOverrides): ParsedOverrides {
  const parse = <T>(flag: string, text: string | undefined, to: (text: string) => T | undefined, expected: string) => {
    if (text === undefined) return undefined;
    const value = to(text);
    if (value === undefined) {
      throw new AppError('USAGE', `--${flag}: ${JSON.stringify(text)} is not ${expected}`, {
        hint: 'correct it; recordupload upload --help shows the options',
      });
    }
    return value;
  };
  const duration = overrides.durationSeconds;
  const durationText = duration === undefined ? undefined : String(duration);
  return {
    id: overrides.id === undefined ? undefined : parseRecordingId(overrides.id, '--id', 'USAGE'),
    title: parse('title', overrides.title, oneLine, 'a title'),
    username: parse('username', overrides.username, oneLine, 'a user name'),
    email: parse('email', overrides.email, parseEmail, 'an e-mail address'),
    createdAt: parse('created-at', overrides.createdAt, parseTimestamp, `a date and time; ${TIMESTAMP_HINT}`),
    durationSeconds: parse('duration', durationText, parseDuration, 'a number of whole seconds, nor HH:MM:SS'),
  };
}

/** The ID that the sidecar has, else the folder’s name, with the prefix. @throws AppError `RECORDING` if that is no ID */
export function idFromFolder(folder: RecordingFolder, sidecar: Sidecar, idPrefix?: string): RecordingId {
  const where = join(printable(folder.dir), folder.sidecar?.name ?? '');
  if (sidecar.recordingId !== undefined) {
    return derivedId(sidecar.recordingId, `${where}: recording_id`, idPrefix);
  }
  return derivedId(basename(folder.dir), 'the folder’s name', idPrefix);
}

interface Durations {
  durationSeconds: number | undefined;
  durationDatabaseSeconds: number | undefined;
  /** When the video was recorded, according to its tags; known only if it was measured. */
  taggedTime?: Microseconds | undefined;
}

/** `--duration` sets both; otherwise each comes from the sidecar, and a missing `durationSeconds` is measured. */
async function settleDurations(
  flags: ParsedOverrides,
  sidecar: Sidecar,
  folder: RecordingFolder,
  deps: ReadRecordingDeps,
): Promise<Durations> {
  const given = flags.durationSeconds;
  if (given !== undefined) return { durationSeconds: given, durationDatabaseSeconds: given };
  const measured = sidecar.durationSeconds === undefined ? await measure(folder, deps) : undefined;
  const durationSeconds = sidecar.durationSeconds ?? measured?.seconds;
  return {
    durationSeconds: durationSeconds ?? sidecar.durationDatabaseSeconds,
    durationDatabaseSeconds: sidecar.durationDatabaseSeconds ?? durationSeconds,
    taggedTime: measured?.taggedTime,
  };
}

type Measured = Extract<Measurement, { ok: true }>;

async function measure(folder: RecordingFolder, deps: ReadRecordingDeps): Promise<Measured | undefined> {
  const video = folder.files.find(({ role }) => role === 'video');
  if (!video) return undefined;
  const { clock, signal, measureLimitMs: limitMs = MEASURE_LIMIT_MS } = deps;
  const measured = await measureDuration(video, { clock, limitMs, signal });
  if (measured.ok) return measured;
  deps.warn(`${printable(join(folder.dir, video.name))}: its duration could not be measured: ${measured.reason}`);
  return undefined;
}

function contentTypeIn(dir: string, file: RecordingFile): string {
  return withCharset(file.contentType, () => reading(join(dir, file.name), () => charsetOf(file)));
}

/** Reads a file of the folder. */
function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FileReplaced) throw replaced(path, error);
    throw systemProblem(path, error);
  }
}

/** When the container says that it was created. Copies keep it, unlike the times of the file. */
function timeInVideo({ dir, files }: RecordingFolder): Microseconds | undefined {
  const video = files.find(({ role }) => role === 'video');
  return video && reading(join(dir, video.name), () => containerTime(video));
}

/**
 * Earlier times mean that nobody knew one: the beginning of Unix' time, or that of FAT's and ZIP's (1 January 1980, in any
 * zone), as archives, some network drives and reproducible builds leave it.
 */
const FIRST_TIME_NS = BigInt(Date.UTC(1980, 0, 3)) * 1_000_000n;

/** How much later than the start that follows from the duration a birth time may be. */
const START_SLACK_NS = 2_000_000_000n;

/**
 * When the recording started, by the video's times. Recorders create the file at the start and write to it until the end, so
 * the birth time is the start, unless the file was copied since. A copy is born after its last change, or was written in
 * less time than it plays; then the start is the last change minus the duration.
 */
function startOf(times: RecordingFolder['videoTimes'], durationSeconds: number | undefined): Microseconds {
  const { birthtimeNs, mtimeNs } = times;
  const endLess = mtimeNs - BigInt(durationSeconds ?? 0) * 1_000_000_000n;
  const derived = endLess > 0n ? endLess : 0n;
  if (mtimeNs < FIRST_TIME_NS && birthtimeNs > FIRST_TIME_NS) return birthtimeNs / 1000n;
  const bornInTime = birthtimeNs > 0n && birthtimeNs <= mtimeNs && birthtimeNs <= derived + START_SLACK_NS;
  return (bornInTime ? birthtimeNs : derived) / 1000n;
}
