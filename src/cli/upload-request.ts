import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Observer } from '../core/events.ts';
import { readRecording } from '../core/recording/read-recording.ts';
import type { Recording } from '../core/recording/recording.ts';
import type { UploadRequest } from '../core/upload/upload-report.ts';
import type { StoredRecording } from '../state/sqlite/recording-store.ts';
import { type Invocation, textOption } from './program/command.ts';

/** Reads a folder with what the command line and the configuration say of it. */
export function readWithOptions(
  dir: string,
  { options, signal }: Pick<Invocation, 'options' | 'signal'>,
  { config, clock, observer }: { config: Config; clock: Clock; observer: Observer },
): Promise<Recording> {
  const overrides = {
    id: textOption(options, 'id'),
    title: textOption(options, 'title'),
    email: textOption(options, 'email'),
    username: textOption(options, 'username'),
    createdAt: textOption(options, 'createdAt'),
    durationSeconds: textOption(options, 'duration'),
  };
  return readRecording(dir, overrides, config, {
    clock,
    signal,
    warn: message => observer({ type: 'warning', message }),
  });
}

/** Reads the folder of an unfinished upload again; what was settled about it stays. */
export function rereadStored(
  stored: StoredRecording,
  signal: AbortSignal,
  { config, clock, observer }: { config: Config; clock: Clock; observer: Observer },
): Promise<Recording> {
  // A duration that is given need not be measured again.
  const overrides = { id: stored.id, durationSeconds: stored.details.durationSeconds };
  return readRecording(stored.dir, overrides, config, {
    clock,
    signal,
    warn: message => observer({ type: 'warning', message }),
  });
}

/** What an upload is to do, by the configuration. */
export function uploadRequest(
  config: Config,
  { force, webhooks }: { force: boolean; webhooks: boolean },
): UploadRequest {
  return {
    force,
    endpoints: webhooks ? config.webhooks.map(endpoint => endpoint.name) : [],
    region: config.region,
    publicBaseUrl: config.publicBaseUrl,
    uploadSource: config.uploadSource ?? 'cli',
  };
}
