import { type RecordingOverrides, readRecording } from '../core/recording/read-recording.ts';
import type { Recording } from '../core/recording/recording.ts';
import type { UploadRequest } from '../core/upload/upload-report.ts';
import type { Runtime } from './runtime.ts';

/**
 * Reads a folder as a recording, with the configuration's defaults.
 * @throws AppError `RECORDING` if it is not a usable recording, `USAGE` if an override is wrong
 */
export function readFolder(
  dir: string,
  overrides: RecordingOverrides,
  { config, clock, signal, observer }: Pick<Runtime, 'config' | 'clock' | 'signal' | 'observer'>,
): Promise<Recording> {
  return readRecording(dir, overrides, config, {
    clock,
    signal,
    warn: message => observer({ type: 'warning', message }),
  });
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
