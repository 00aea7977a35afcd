/** `partial`: the upload has ended and something is missing; `retry` resumes it. */
export type RecordingState = 'uploading' | 'partial' | 'done';
