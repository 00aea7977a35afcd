/**
 * `recording`: it is still being recorded, and finished stretches of its video are uploaded already. `partial`: the upload
 * has ended and something is missing; `retry` resumes it.
 */
export type RecordingState = 'recording' | 'uploading' | 'partial' | 'done';
