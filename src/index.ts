/**
 * The library: what the command line does, for programs that record.
 *
 * ```ts
 * import { AppError, loadConfig, uploadRecording } from 'recordupload';
 *
 * try {
 *   // The same files and variables that the command line reads.
 *   const config = await loadConfig();
 *   const { upload, deliveries } = await uploadRecording('recordings/42', { config, title: 'Weekly' });
 *   console.log(upload.outcome, deliveries.map(delivery => delivery.outcome));
 * } catch (error) {
 *   // Something that a person can mend; anything else is a bug.
 *   if (!(error instanceof AppError)) throw error;
 *   console.error(error.code, error.message, error.hint);
 * }
 * ```
 *
 * Nothing is printed, logged or read from the command line; importing does nothing. The state is the command line's:
 * what a program leaves undone, `recordupload retry` finishes.
 */
import { openRuntime, type Runtime } from './app/runtime.ts';
import type { Config } from './config/config.ts';
import { loadConfig as load } from './config/load-config.ts';
import { requireToken } from './config/requirements.ts';
import { deliverAfterUpload } from './core/delivery/deliver-after-upload.ts';
import type { DeliveryReport } from './core/delivery/delivery-report.ts';
import type { CoreEvent } from './core/events.ts';
import { type RecordingOverrides, readRecording } from './core/recording/read-recording.ts';
import { parseRecordingId } from './core/recording/recording.ts';
import { persistentBucket } from './core/upload/session.ts';
import { requireEmail, uploadRecording as upload } from './core/upload/upload-recording.ts';
import type { UploadReport } from './core/upload/upload-report.ts';
import { type VerifyReport, verifyRecording as verify } from './core/upload/verify-recording.ts';

export type { Config } from './config/config.ts';
export type { DeliveryReport } from './core/delivery/delivery-report.ts';
export { AppError, type ErrorCode } from './core/errors.ts';
export type { CoreEvent } from './core/events.ts';
export type { FileReport, UploadReport } from './core/upload/upload-report.ts';
export type { VerifiedFile, VerifyReport } from './core/upload/verify-recording.ts';
export type { Endpoint } from './core/webhook/endpoint.ts';

/** What every call takes. */
export interface CallOptions {
  /** From `loadConfig`, or made by hand. */
  config: Config;
  /** Ends the work; what is done is kept, and the same call goes on with it. */
  signal?: AbortSignal | undefined;
  /** Told what happens while it happens. Must not throw. */
  onEvent?: ((event: CoreEvent) => void) | undefined;
}

/** Beside these, what is told of the recording: beats its sidecar and the configuration. */
export interface UploadOptions extends CallOptions, RecordingOverrides {
  /** False: the recordings server is not told. */
  webhook?: boolean | undefined;
  /** Upload and send again what is there already. */
  force?: boolean | undefined;
}

/** What became of a recording. */
export interface UploadedRecording {
  /** The files and `metadata.json`. `outcome` is `partial` or `failed` where something is missing. */
  upload: UploadReport;
  /** One for each endpoint. What is `pending` is sent by `recordupload retry`. */
  deliveries: DeliveryReport[];
}

/**
 * The configuration, from where the command line has it: `.recorduploadrc` in `cwd`, the user's own file, `.env`, the
 * environment.
 * @throws AppError `CONFIG` with one line for each problem
 */
export async function loadConfig(
  options: { cwd?: string; env?: NodeJS.ProcessEnv; configFile?: string | undefined } = {},
): Promise<Config> {
  const { cwd = process.cwd(), env = process.env, configFile } = options;
  return (await load({ cwd, env, configFile })).config;
}

/**
 * Uploads a folder and tells the recordings server. Calling it again finishes the work and repeats none of it. A file or
 * webhook that fails is no exception: the report tells.
 * @throws AppError `RECORDING`, `USAGE`, `CONFIG`, `BUSY`, `STATE`; the signal's reason once it aborts
 */
export async function uploadRecording(dir: string, options: UploadOptions): Promise<UploadedRecording> {
  const { config, webhook = true, force = false } = options;
  if (webhook) for (const endpoint of config.webhooks) if (endpoint.enabled) requireToken(endpoint);
  await using runtime = open(options);
  const uploads = await runtime.uploads();
  const recording = await read(dir, options, runtime);
  if (webhook) requireEmail(recording);
  const report = await upload(
    recording,
    {
      force,
      endpoints: webhook ? config.webhooks.map(({ name }) => name) : [],
      region: config.region,
      publicBaseUrl: config.publicBaseUrl,
      uploadSource: runtime.uploadSource,
    },
    uploads,
  );
  return { upload: report, deliveries: await deliverAfterUpload(report, runtime, runtime.delivery) };
}

/**
 * Compares a recording in the bucket with what was uploaded, or with its folder.
 * @param options.full reads the objects back and recomputes their checksums
 * @throws AppError `VERIFICATION` where nothing of it is in the bucket, `STORAGE`, `RECORDING`, `CONFIG`
 */
export async function verifyRecording(
  what: { id: string } | { dir: string },
  options: CallOptions & { full?: boolean | undefined },
): Promise<VerifyReport> {
  await using runtime = open(options);
  const session = await runtime.uploads();
  // A duration that is given is not measured; it is of no interest here.
  const local = 'dir' in what ? await read(what.dir, { ...options, durationSeconds: 0 }, runtime) : undefined;
  const id = local?.id ?? parseRecordingId('id' in what ? what.id : '', 'id', 'USAGE');
  return await verify({ id, local, full: options.full ?? false }, { ...session, bucket: persistentBucket(session) });
}

function read(dir: string, options: UploadOptions, { clock, signal, observer }: Runtime) {
  const { id, title, email, username, createdAt, durationSeconds, config } = options;
  return readRecording(dir, { id, title, email, username, createdAt, durationSeconds }, config, {
    clock,
    signal,
    warn: message => observer({ type: 'warning', message }),
  });
}

/** Opens what a call works with. The caller disposes of it. */
function open({ config, signal, onEvent }: CallOptions): Runtime {
  return openRuntime(config, {
    env: process.env,
    userAgent: 'recordupload-library',
    uploadSource: 'library',
    signal,
    observer: onEvent,
  });
}
