import type { Recording, RecordingFile } from '../recording/recording.ts';

/** A recording in progress, as its folder is now. */
export interface LiveRecording extends Pick<Recording, 'id' | 'dir' | 'details'> {
  video: RecordingFile;
}
