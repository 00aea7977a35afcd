import type { AppError } from '../errors.ts';
import type { UploadReport } from './upload-recording.ts';

/** What went wrong in an upload: its files' failures, then that of `metadata.json`; empty where nothing did. */
export function failuresOf({
  files,
  metadata,
}: Pick<UploadReport, 'files'> & { metadata: { error?: AppError } }): AppError[] {
  return [
    ...files.flatMap(file => (file.outcome === 'failed' ? [file.error] : [])),
    ...(metadata.error ? [metadata.error] : []),
  ];
}
