import { basename, dirname } from 'node:path';
import { type RecordingOverrides, readRecording } from '../core/recording/read-recording.ts';
import type { Recording } from '../core/recording/recording.ts';
import { DEFAULT_WAIT_MS, type SettleOptions, unsettledText } from '../core/recording/settle.ts';
import type { UploadRequest } from '../core/upload/upload-report.ts';
import type { Runtime } from './runtime.ts';

/**
 * Reads a folder as a recording, with the configuration's defaults.
 * @throws AppError `RECORDING` if it is not a usable recording, `USAGE` if an override is wrong
 */
export async function readFolder(
  dir: string,
  overrides: RecordingOverrides,
  {
    config,
    clock,
    signal,
    observer,
    firstLook,
  }: Pick<Runtime, 'config' | 'clock' | 'signal' | 'observer' | 'firstLook'>,
  settle?: SettleOptions | undefined,
): Promise<Recording> {
  await firstLook(dir);
  return await readRecording(dir, overrides, config, {
    clock,
    signal,
    settle,
    warn: message => observer({ type: 'warning', message }),
  });
}

/** What to do with a recording that is still being written. */
export interface WaitOptions {
  /** How long to wait until nobody writes to it any more: 10 minutes unless given; 0: it is refused. */
  waitMs?: number | undefined;
  /** True: the recorder has closed its files, so nobody has to wait. */
  finished?: boolean | undefined;
}

/**
 * Reads a folder as a recording once nobody writes to it any more.
 * @throws AppError as `readFolder`; `RECORDING` if it is still being written when the wait is over; the signal's reason
 */
export function readFinishedFolder(
  dir: string,
  options: RecordingOverrides & WaitOptions,
  runtime: Pick<Runtime, 'config' | 'clock' | 'signal' | 'observer' | 'firstLook'>,
): Promise<Recording> {
  return readFolder(dir, options, runtime, options.finished ? undefined : settleOptions(options, runtime));
}

function settleOptions(
  { waitMs = DEFAULT_WAIT_MS }: WaitOptions,
  {
    config: { settleMs },
    clock,
    signal,
    observer,
  }: Pick<Runtime, 'config' | 'clock' | 'signal' | 'observer' | 'firstLook'>,
): SettleOptions {
  const onWait: SettleOptions['onWait'] = file =>
    observer({
      type: 'recording-waiting',
      dir: dirname(file.path),
      name: basename(file.path),
      reason: unsettledText(file),
      settleMs,
      waitMs,
    });
  return { settleMs, waitMs, clock, signal, onWait };
}

/** What an upload is to do, by the configuration. */
export function uploadRequest(
  { config, uploadSource }: Pick<Runtime, 'config' | 'uploadSource'>,
  { force, webhook }: { force: boolean; webhook: boolean },
): UploadRequest {
  return {
    force,
    endpoints: webhook ? config.webhooks.map(({ name }) => name) : [],
    region: config.region,
    publicBaseUrl: config.publicBaseUrl,
    uploadSource,
  };
}
