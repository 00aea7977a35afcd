export { AppError, type ErrorCode } from './core/errors.ts';
export { readRecording } from './core/recording/read-recording.ts';
export type { Recording } from './core/recording/recording.ts';
export { type UploadReport, uploadRecording } from './core/upload-recording.ts';
