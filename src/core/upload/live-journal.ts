import type { Recording, RecordingId } from '../recording/recording.ts';
import type { RecordingRef } from './parts-journal.ts';
import type { RecordingState } from './recording-state.ts';

/** Whether this process may upload the recording; if not, who has it. */
export type BeginResult =
  /** `token`: a random word that this state keeps for the recording, so that it knows its own objects. */
  | { ok: true; token: string }
  /** A living process is uploading it; `machine`: of a fleet, where it is another one. */
  | { ok: false; pid: number; machine?: string }
  /** Another machine of the fleet has a recording with its id. */
  | { ok: false; machine: string };

/** Whether this process may upload a recording that is still being recorded. */
export type BeginLiveResult =
  | BeginResult
  /** The state knows the recording: its upload was begun, or is done, so it is uploaded when it is finished. */
  | { ok: false; known: Exclude<RecordingState, 'recording'> };

/** The live uploads of one recording. */
export interface LiveLeft {
  id: RecordingId;
  /** The files that have an open one. */
  names: string[];
}

/** The journal of recordings that are uploaded while they are recorded. A write is durable once its promise resolves. */
export interface LiveJournal {
  /**
   * Claims a recording that is still being recorded. The claim ends with `UploadJournal.release`, or with the process; the
   * folder's entry in the queue stays. What is known of the recording now is replaced by what its upload finds at the end.
   */
  beginLive(
    target: string,
    recording: Pick<Recording, 'id' | 'dir' | 'details'>,
    options: { now: number },
  ): Promise<BeginLiveResult>;
  /**
   * What live uploads have left of a folder: of the recordings in progress there (more than one: it had another id), and of
   * the recording `id`, whether its upload has begun or not.
   */
  liveIn(target: string, dir: string, id: RecordingId): Promise<LiveLeft[]>;
  /** Forgets a recording that was claimed so, unless its upload has begun or another process has claimed it. */
  forgetLive(ref: RecordingRef): Promise<void>;
}
