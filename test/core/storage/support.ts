import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach } from '@jest/globals';
import { AppError } from '../../../src/core/errors.ts';
import type { CoreEvent } from '../../../src/core/events.ts';
import { contentTypeOf } from '../../../src/core/recording/content-types.ts';
import { identityOf } from '../../../src/core/recording/file-identity.ts';
import type { RecordingFile, RecordingId } from '../../../src/core/recording/recording.ts';
import { createHasher } from '../../../src/core/storage/hasher.ts';
import { createInFlight } from '../../../src/core/storage/in-flight.ts';
import { createPersistence } from '../../../src/core/storage/persistence.ts';
import { openBucket } from '../../../src/core/storage/s3/s3-bucket.ts';
import type { BucketSettings } from '../../../src/core/storage/s3/settings.ts';
import { unlimited } from '../../../src/core/storage/throttle.ts';
import type { UploadJournal } from '../../../src/core/upload/journal.ts';
import type { FileRef } from '../../../src/core/upload/parts-journal.ts';
import type { UploadSession } from '../../../src/core/upload/session.ts';
import { type FileUpload, type FileUploadOptions, uploadFile } from '../../../src/core/upload/upload-file.ts';
import { type S3Sandbox, type Sandbox, type SandboxOptions, startSandbox } from '../../../src/sandbox/sandbox.ts';
import { openState, type State } from '../../../src/state/open.ts';
import { writeSource } from '../upload/write-source.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

export { writeSource };

export const MIB = 1024 * 1024;
export const ID = '42' as RecordingId;
export const KEY = '42/video.mkv';
/** Three parts of 8, 8 and 1 MiB. */
export const THREE_PARTS = 17 * MIB;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
/** Threads are dear: one lot of them serves a test file. */
const hasher = createHasher();
afterAll(() => hasher.close());

/** Undone after the test, last first. */
export function afterTest(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export function tempFolder(): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'storage-test-')));
  afterTest(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export async function sandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const started = await startSandbox(options);
  afterTest(() => started.close());
  return started;
}

/** Looks at a file as the folder's reader does. */
export async function lookAt(path: string): Promise<RecordingFile> {
  const name = basename(path);
  const stats = await stat(path, { bigint: true });
  const identity = { ...identityOf(stats), device: String(stats.dev) };
  return { role: 'video', name, path, contentType: contentTypeOf(name), ...identity };
}

/** A `video.mkv` of that size. */
export async function makeSource(sizeBytes: number, salt = 0): Promise<RecordingFile> {
  const path = join(tempFolder(), 'video.mkv');
  writeSource(path, sizeBytes, salt);
  return lookAt(path);
}

/** The sandbox, or any other S3 server. */
export interface Store {
  s3: Pick<S3Sandbox, 'url' | 'region' | 'bucket' | 'accessKeyId' | 'secretAccessKey'>;
}

export interface Machine {
  state: State;
  /** A new run, as of a new process: connections and patience are new, the state stays. */
  run(options?: RunOptions): Run;
  journal: UploadJournal;
  clock: VirtualClock;
}

export interface RunOptions {
  bucket?: Partial<BucketSettings>;
  session?: Partial<UploadSession>;
  /** Default 0.5. */
  random?: () => number;
  budgetMs?: number;
}

export interface Run {
  session: UploadSession;
  events: CoreEvent[];
  abort(reason?: unknown): void;
  upload(file: RecordingFile, options?: Partial<FileUploadOptions>): Promise<FileUpload>;
}

/** A machine with a state of its own, that uploads into the sandbox. */
export async function machine(
  server: Store,
  options: { clock?: VirtualClock; stateDir?: string } = {},
): Promise<Machine> {
  const clock = options.clock ?? virtualClock();
  const state = await openState(options.stateDir ?? tempFolder());
  afterTest(() => state.close());
  const { journal } = state;
  return {
    state,
    journal,
    clock,
    run({ bucket: settings, session: parts, random = () => 0.5, budgetMs = 30 * 60_000 } = {}) {
      const events: CoreEvent[] = [];
      const abort = new AbortController();
      const bucket = openBucket(bucketSettings(server, settings));
      afterTest(() => bucket.close());
      const session: UploadSession = {
        bucket,
        journal,
        persistence: createPersistence({ budgetMs, clock, random }),
        inFlight: createInFlight({ fixed: 2, clock }),
        hasher,
        throttle: unlimited,
        clock,
        newToken: randomUUID,
        machine: 'recorder-1',
        observer: event => events.push(event),
        signal: abort.signal,
        ...parts,
      };
      return {
        session,
        events,
        abort: (reason = new AppError('INTERRUPTED', 'interrupted')) => abort.abort(reason),
        upload: (file, upload = {}) =>
          uploadFile(file, ID, session, {
            force: false,
            known: async () => undefined,
            mayBeThere: async () => true,
            ...upload,
          }),
      };
    },
  };
}

export function bucketSettings({ s3 }: Store, settings: Partial<BucketSettings> = {}): BucketSettings {
  const { url: endpoint, region, bucket, accessKeyId, secretAccessKey } = s3;
  return { endpoint, region, bucket, credentials: { accessKeyId, secretAccessKey }, env: {}, ...settings };
}

/** A file of the recording in that bucket, for the journal. */
export function refOf({ target }: { target: string }, name: string): FileRef {
  return { target, recordingId: ID, name };
}

/** Ends the run as soon as the state knows of so many more parts. */
export function abortAfterParts(run: Run, parts: number): void {
  const { journal } = run.session;
  let left = parts;
  run.session.journal = {
    ...journal,
    async addParts(file, added) {
      await journal.addParts(file, added);
      if (--left === 0) run.abort();
    },
  };
}

/** Uploads and breaks off once so many parts are stored; one at a time, so that none is in flight beside them. */
export async function breakOff(at: Machine, file: RecordingFile, parts: number): Promise<void> {
  const run = at.run({ session: { inFlight: createInFlight({ fixed: 1, clock: at.clock }) } });
  abortAfterParts(run, parts);
  const error = await failure(run.upload(file));
  if (error.code !== 'INTERRUPTED') throw error;
}

/** The `AppError` that a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${String(error)}`, { cause: error });
}

/** The numbers of the parts that the store was sent, in order; with `whole`, only of those that came in whole. */
export function sentParts({ s3 }: Sandbox, { key = KEY, whole = false } = {}): number[] {
  return s3
    .requests()
    .filter(request => request.operation === 'UploadPart' && request.key === key)
    .filter(request => !whole || request.status === 200)
    .map(request => request.partNumber ?? 0)
    .sort((a, b) => a - b);
}

/** How often an operation was asked for. */
export function count({ s3 }: Sandbox, operation: string): number {
  return s3.requests().filter(request => request.operation === operation).length;
}

/** True where the bucket has the file's very bytes. */
export async function isStored({ s3 }: Sandbox, file: RecordingFile, key = `${ID}/${file.name}`): Promise<boolean> {
  const there = await s3.read(key);
  return digest(there) === digest(readFileSync(file.path));
}

export const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
