import { dirname, join } from 'node:path';
import type { CoreEvent } from '../../../src/core/events.ts';
import type { Recording, RecordingId } from '../../../src/core/recording/recording.ts';
import { unlimited } from '../../../src/core/storage/throttle.ts';
import { type LiveSettings, type LiveUpload, liveUploads } from '../../../src/core/upload/live-upload.ts';
import { uploadRecording } from '../../../src/core/upload/upload-recording.ts';
import type { UploadRequest } from '../../../src/core/upload/upload-report.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import {
  afterTest,
  ID,
  isStored,
  lookAt,
  type Machine,
  MIB,
  machine,
  type Run,
  type RunOptions,
  sandbox,
  tempFolder,
} from '../storage/support.ts';
import { RECORDERS, RecordedFile, type Recorder } from './recorders.ts';

export const PART = 8 * MIB;
export const DETAILS = {
  title: 'A meeting',
  createdAt: '2026-01-02 03:04:05.000000',
  user: { email: 'ada@example.com' },
};
export const REQUEST: UploadRequest = {
  force: false,
  endpoints: [],
  region: 'us-west-1',
  publicBaseUrl: 'https://cdn.example.com',
  uploadSource: 'watch',
};

/** A recording in progress in a folder of its own. */
export function newRecording(make: (file: RecordedFile) => Recorder = RECORDERS.webm) {
  const path = join(tempFolder(), 'video.mkv');
  const file = new RecordedFile(path);
  let isOpen = true;
  const close = () => {
    if (isOpen) file.close();
    isOpen = false;
  };
  afterTest(close);
  const recorder = make(file);
  return {
    path,
    file,
    record: recorder.record,
    finish() {
      recorder.finish();
      close();
    },
  };
}

export async function openLive(run: Run, path: string, settings: Partial<LiveSettings> = {}): Promise<LiveUpload> {
  const video = await lookAt(path);
  const live = liveUploads(run.session, { throttle: unlimited, ...settings });
  return live.open({ id: ID, dir: dirname(path), details: DETAILS, video });
}

/** The finished recording, as its folder is read. */
export async function finished(path: string, id: RecordingId = ID): Promise<Recording> {
  return { id, dir: dirname(path), files: [await lookAt(path)], skipped: [], details: DETAILS };
}

/** Uploads the finished recording, as any command does. */
export async function upload(here: Machine, path: string, options?: RunOptions) {
  const run = here.run(options);
  const report = await uploadRecording(await finished(path), REQUEST, run.session);
  return { ...run, report };
}

export const ofType = <T extends CoreEvent['type']>({ events }: Pick<Run, 'events'>, type: T) =>
  events.filter((event): event is Extract<CoreEvent, { type: T }> => event.type === type);

export async function isWhole(server: Sandbox, path: string): Promise<boolean> {
  return (await isStored(server, await lookAt(path))) && server.s3.uploads().length === 0;
}

/** A recorder at work on one machine, and the upload of what it writes. */
export async function startLive({
  make,
  settings,
  options,
}: {
  make?: (file: RecordedFile) => Recorder;
  settings?: Partial<LiveSettings>;
  options?: RunOptions;
} = {}) {
  const server = await sandbox();
  const here = await machine(server);
  const recording = newRecording(make);
  const run = here.run(options);
  const live = await openLive(run, recording.path, settings);
  return { server, here, recording, run, live };
}
