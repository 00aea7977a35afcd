import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import { inPool } from '../../core/pool.ts';
import { parseRecordingId } from '../../core/recording/recording.ts';
import { createPersistence } from '../../core/storage/persistence.ts';
import { targetOf } from '../../core/storage/target.ts';
import type { LocalRecording } from '../../core/upload/local-files.ts';
import {
  type LocalOutcome,
  type LocalRemovalDeps,
  type LocalRemovalRequest,
  RemovalStopped,
} from '../../core/upload/local-removal.ts';
import { whyNotYet } from '../../core/upload/may-remove.ts';
import { lookAtLocalFiles, removeLocalFiles, sayOnce } from '../../core/upload/remove-local.ts';
import { restoreLocalFiles } from '../../core/upload/restore-local.ts';
import { persistentBucket } from '../../core/upload/session.ts';
import { realPath } from '../find-folders.ts';
import { exists } from '../refuse-folder.ts';
import type { Runtime } from '../runtime.ts';

export interface LocalRequest {
  /** Only these recordings; none: all. */
  ids?: readonly string[] | undefined;
  /** Instead of the configuration's `deleteAfter`: how old an upload has to be, in milliseconds. */
  olderThanMs?: number | undefined;
  /** Find out what would be removed; remove, note and announce nothing. */
  dryRun: boolean;
  /** Also read files again that were read in vain a short time ago. */
  again?: boolean | undefined;
  /** Report recordings, too, that only have to wait. */
  explain?: boolean | undefined;
  /** Folders that stay even if they are empty, beside the configuration's `watch.roots`. */
  roots?: readonly string[] | undefined;
}

/** What became of the local files of a recording that is old enough. */
export type LocalResult = { recordingId: string; dir: string } & LocalOutcome;

export interface LocalReport {
  dryRun: boolean;
  /** Undefined: local files are never removed, and none was looked at. */
  ageMs: number | undefined;
  recordings: LocalResult[];
  /** Why the others were not looked at: the bucket cannot be asked, no access keys are configured. */
  stopped: string | undefined;
}

/** The requests to the bucket of several recordings overlap. Each reads its files one after the other. */
const AT_ONCE = 4;
/** In milliseconds. What cannot be asked now is asked in the next pass. */
const PATIENCE_MS = 2_000;

/**
 * Removes the local files of recordings whose time has come: verified in the configured bucket, received by every
 * endpoint, and uploaded long enough ago. Recordings that only have to wait are not in the report.
 * @throws AppError `STATE`, `USAGE`; the signal's reason once it aborts
 */
export async function removeLocal(request: LocalRequest, runtime: Runtime): Promise<LocalReport> {
  const { config, signal } = runtime;
  const { dryRun, olderThanMs: ageMs = config.deleteAfterMs } = request;
  const report: LocalReport = { dryRun, ageMs, recordings: [], stopped: undefined };
  if (!dryRun) await restoreInterrupted(runtime);
  if (ageMs === undefined) return report;
  const { due, rest } = await findDue({ ...request, ageMs }, runtime);
  report.recordings.push(...rest.filter(({ outcome }) => request.explain || outcome !== 'waiting'));
  if (due.length === 0) return report;
  const removal = await removalRequest({ ...request, ageMs }, runtime);
  const state = await runtime.state();
  const stop = async (recording: LocalRecording, reason: string) => {
    if (report.stopped !== undefined) return;
    report.stopped = reason;
    if (!dryRun) await sayOnce(recording, { text: reason }, { ...state, observer: runtime.observer });
  };
  const deps = await removalDeps(runtime).catch(async (error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'CONFIG') throw error;
    await stop(due[0] as LocalRecording, error.message);
    return undefined;
  });
  if (!deps) return report;
  const look = async (recording: LocalRecording, signal: AbortSignal) => {
    if (report.stopped !== undefined) return;
    try {
      await runtime.firstLook(recording.dir);
      const { target, id: recordingId } = recording;
      const outcome = dryRun
        ? await lookAtLocalFiles(recording, removal, { ...deps, signal })
        : await removeLocalFiles({ target, recordingId }, removal, { ...deps, signal });
      report.recordings.push(resultOf(recording, outcome));
    } catch (error) {
      if (!(error instanceof RemovalStopped)) throw error;
      await stop(recording, error.message);
    }
  };
  const folders = [...Map.groupBy(due, ({ dir }) => dir).values()];
  await inPool(folders, { atOnce: AT_ONCE, signal }, async (recordings, signal) => {
    for (const recording of recordings) await look(recording, signal);
  });
  signal.throwIfAborted();
  return report;
}

/** What a killed process has left moved aside is in its place again, whether or not it may be removed now. */
async function restoreInterrupted({ state: open, clock }: Runtime): Promise<void> {
  const state = await open();
  for (const ref of await state.localFiles.interrupted()) await restoreLocalFiles(ref, { ...state, clock });
}

/** What waits for its removal, as far as the state knows; nothing is verified. */
export interface LocalForecast {
  /** Undefined: local files are never removed. */
  ageMs: number | undefined;
  recordings: number;
  bytes: number;
}

/**
 * Counts what the next pass will look at.
 * @throws AppError `STATE`
 */
export async function forecastLocal(
  { olderThanMs }: Pick<LocalRequest, 'olderThanMs'>,
  runtime: Runtime,
): Promise<LocalForecast> {
  const ageMs = olderThanMs ?? runtime.config.deleteAfterMs;
  if (ageMs === undefined) return { ageMs, recordings: 0, bytes: 0 };
  const { due } = await findDue({ ageMs }, runtime);
  const files = due.flatMap(recording => recording.files).filter(file => file.state === 'uploaded' && !file.removedAt);
  return { ageMs, recordings: due.length, bytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) };
}

/** The recordings that have to wait for nothing that the state knows; those whose folder is gone need no look. */
async function findDue(
  { ids: texts = [], ageMs }: { ids?: readonly string[] | undefined; ageMs: number },
  runtime: Runtime,
): Promise<{ due: LocalRecording[]; rest: LocalResult[] }> {
  const ids = texts.map(text => parseRecordingId(text, 'id', 'USAGE'));
  const { config, clock } = runtime;
  const { localFiles } = await runtime.state();
  const now = clock.now();
  const old = await localFiles.kept(targetOf(config), { doneBefore: now - ageMs });
  const terms = { ageMs, endpoints: config.webhooks.map(({ name }) => name) };
  const due: LocalRecording[] = [];
  const rest: LocalResult[] = [];
  const isThere = createLookup();
  for (const known of old) {
    if (ids.length > 0 && !ids.includes(known.id)) continue;
    // There may be many that somebody else has moved away: only their names are looked at.
    if (!known.isRemoving && !(await isThere(known.dir))) {
      rest.push(resultOf(known, { outcome: 'gone', isOurs: false }));
      continue;
    }
    const recording = await localFiles.look({ target: known.target, recordingId: known.id });
    const reason = recording && whyNotYet(recording, terms, now);
    if (recording && reason === undefined) due.push(recording);
    else if (reason !== undefined) rest.push(resultOf(known, { outcome: 'waiting', reason }));
  }
  return { due, rest };
}

/** Whether folders exist; the folder above them is read once. */
function createLookup(): (dir: string) => Promise<boolean> {
  const folders = new Map<string, Promise<ReadonlySet<string> | undefined>>();
  return async dir => {
    const above = dirname(dir);
    const names = folders.get(above) ?? namesIn(above);
    folders.set(above, names);
    return (await names)?.has(basename(dir)) ?? (await exists(dir));
  };
}

/** Undefined: that folder cannot be read. */
async function namesIn(dir: string): Promise<ReadonlySet<string> | undefined> {
  try {
    return new Set(await readdir(dir));
  } catch (error) {
    return hasErrorCode(error, 'ENOENT', 'ENOTDIR') ? new Set() : undefined;
  }
}

async function removalRequest(
  { ageMs, again = false, roots = [] }: Pick<LocalRequest, 'again' | 'roots'> & { ageMs: number },
  { config }: Pick<Runtime, 'config'>,
): Promise<LocalRemovalRequest> {
  const endpoints = config.webhooks.map(({ name }) => name);
  const stay = await Promise.all([...config.watch.roots, ...roots].map(realPath));
  return { ageMs, endpoints, extraFiles: config.extraFiles, roots: stay, again };
}

async function removalDeps(runtime: Runtime): Promise<LocalRemovalDeps> {
  const session = await runtime.uploads();
  const { journal, localFiles } = await runtime.state();
  const { clock, random, observer, signal } = runtime;
  const persistence = createPersistence({ budgetMs: PATIENCE_MS, clock, random });
  const bucket = persistentBucket({ ...session, persistence });
  return { localFiles, journal, bucket, hasher: session.hasher, clock, observer, signal };
}

function resultOf({ id, dir }: Pick<LocalRecording, 'id' | 'dir'>, outcome: LocalOutcome): LocalResult {
  return { recordingId: id, dir, ...outcome };
}
