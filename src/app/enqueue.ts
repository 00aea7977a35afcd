import { basename, resolve } from 'node:path';
import { requireCredentials } from '../config/requirements.ts';
import { AppError } from '../core/errors.ts';
import { probableId } from '../core/recording/derived-id.ts';
import type { FoundFolder } from '../core/recording/find-recordings.ts';
import { peekFolder } from '../core/recording/peek-folder.ts';
import { parseOverrides, type RecordingOverrides } from '../core/recording/read-recording.ts';
import type { RecordingId } from '../core/recording/recording.ts';
import { shellQuoted } from '../core/shell-quoted.ts';
import type { Worker } from '../core/status/worker.ts';
import { printable } from '../core/text.ts';
import { formatDuration } from '../core/units.ts';
import type { AskedFolder, NotBegun } from '../core/upload/queue.ts';
import { type FolderSelection, findFolders, realPath, requireOneForId } from './find-folders.ts';
import { nothingEnqueued } from './nothing-enqueued.ts';
import { toAsked } from './refuse-folder.ts';
import type { Runtime } from './runtime.ts';
import { ring } from './wake.ts';

/** What is handed over, and what is said about it besides its sidecar and the configuration. */
export interface EnqueueRequest extends FolderSelection, RecordingOverrides {
  /** False: do not tell the recordings server. */
  webhook?: boolean | undefined;
  /** Upload and send again what is already there. */
  force?: boolean | undefined;
  /** True: nobody looks whether the files are still written. */
  finished?: boolean | undefined;
}

/** A folder whose upload is in the queue. */
export interface TakenFolder {
  ok: true;
  /** Its real path. */
  dir: string;
  /** The ID that it has by now. */
  recordingId: string;
  /** Why its upload cannot begin yet; undefined: nothing is known that keeps it. */
  waitsFor: AppError | undefined;
}

/** What became of one folder. `ok: false`: it can never be uploaded like this. */
export type EnqueuedFolder = TakenFolder | { ok: false; dir: string; error: AppError };

export interface EnqueueReport {
  folders: EnqueuedFolder[];
  /** Endpoints without a token: their webhooks wait until there is one. */
  tokenless: string[];
  /** The process of `recordupload watch`, which uploads them; undefined: none runs. */
  worker: Worker | undefined;
  /** When this was so, in milliseconds since 1970. */
  now: number;
}

/** How long the caller waits for a drive that does not answer; the folder is taken all the same. */
const LOOK_LIMIT_MS = 2_000;

/**
 * Takes folders over from a recorder: their uploads are in the state, durably, once this returns, and the worker or `retry`
 * begins them. Looks at the folders, opens no video and no connection. A folder that cannot be uploaded yet is taken, too.
 * @throws AppError `USAGE` if what is said about the recording is wrong; `STATE`, `CONFIG` if the state cannot keep them:
 * nothing was taken then
 */
export async function enqueue(request: EnqueueRequest, runtime: Runtime): Promise<EnqueueReport> {
  const { clock, observer, config } = runtime;
  const { id } = parseOverrides(request);
  const folders: EnqueuedFolder[] = [];
  for (const found of await findAnswering(request, runtime)) folders.push(await peek(found, id, runtime));
  const now = clock.now();
  const taken = folders.filter(folder => folder.ok);
  const worker = await store(taken, request, now, runtime);
  for (const folder of folders) {
    const { dir } = folder;
    if (folder.ok) observer({ type: 'upload-enqueued', dir, recordingId: folder.recordingId });
    else observer({ type: 'upload-refused', dir, error: folder.error });
  }
  const { webhook = true } = request;
  const tokenless = webhook ? config.webhooks.filter(({ enabled, token }) => enabled && token === undefined) : [];
  return { folders, tokenless: tokenless.map(({ name }) => name), worker, now };
}

/** A folder whose drive has not answered in time. */
interface SilentFolder {
  dir: string;
  isSilent: true;
}

/** The folders to enqueue. One whose drive does not answer is not looked at any further. */
async function findAnswering(request: EnqueueRequest, runtime: Runtime): Promise<(FoundFolder | SilentFolder)[]> {
  const silent = new Set<string>();
  for (const dir of request.dirs) if (dir !== '' && !(await answers(dir, runtime))) silent.add(dir);
  const dirs = request.dirs.filter(dir => !silent.has(dir));
  const found = dirs.length > 0 ? await findFolders({ ...request, dirs }) : [];
  const all = [...found, ...[...silent].map(dir => ({ dir: resolve(dir), isSilent: true as const }))];
  requireOneForId(all, request.id);
  return all;
}

async function answers(dir: string, { clock, firstLook, signal }: Runtime): Promise<boolean> {
  const answered = new AbortController();
  const late = clock.sleep(LOOK_LIMIT_MS, AbortSignal.any([signal, answered.signal]));
  try {
    return await Promise.race([firstLook(dir).then(() => true), late.then(() => false)]);
  } finally {
    answered.abort();
    // The sleep ends with the signal's reason, which nobody needs any more.
    late.catch(() => {});
  }
}

async function peek(
  found: FoundFolder | SilentFolder,
  id: RecordingId | undefined,
  { config }: Runtime,
): Promise<EnqueuedFolder> {
  const { dir } = found;
  try {
    if ('isSilent' in found) {
      const recordingId = id ?? probableId(basename(dir), config.idPrefix);
      return { ok: true, dir, recordingId, waitsFor: silence(dir) };
    }
    if ('error' in found) throw found.error;
    const { recordingId, problem } = peekFolder(dir, id, config);
    return { ok: true, dir: await realPath(dir), recordingId, waitsFor: problem ?? missingKeys(config) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // The folder need not be finished. So what is wrong is what was named, not what is in it.
    const { message, hint } = error;
    return { ok: false, dir, error: new AppError('USAGE', message, { hint, cause: error }) };
  }
}

/** Why a folder on a dead network drive waits. */
export function silence(dir: string): AppError {
  const message = `${printable(dir)} did not respond within ${formatDuration(LOOK_LIMIT_MS)}`;
  return new AppError('RECORDING', message, { hint: 'check whether its drive is mounted' });
}

function missingKeys(config: Runtime['config']): AppError | undefined {
  try {
    requireCredentials(config);
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

/** Stores the entries in one commit, and wakes the worker. @returns the worker, if one runs */
async function store(
  taken: readonly TakenFolder[],
  request: EnqueueRequest,
  now: number,
  runtime: Runtime,
): Promise<Worker | undefined> {
  const asked = toAsked(request);
  const entries = taken.map(({ dir, recordingId, waitsFor }): AskedFolder & Partial<NotBegun> => {
    const folder: AskedFolder = { dir, recordingId, origin: 'enqueued', asked };
    if (!waitsFor) return folder;
    return { ...folder, state: 'waiting', reason: waitsFor.message, hint: waitsFor.hint ?? null, nextAt: now };
  });
  if (entries.length === 0) return undefined;
  try {
    const { queue, overview } = await runtime.state();
    await queue.add(entries, now);
    ring(runtime.config.stateDir);
    return await overview.worker().catch(() => undefined);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const dirs = taken.map(({ dir }) => shellQuoted(dir)).join(' ');
    throw nothingEnqueued(error, `to upload without the state: recordupload upload ${dirs}`);
  }
}
