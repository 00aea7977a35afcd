import type { FileReport, UploadReport } from '../../core/upload/upload-report.ts';
import { type ErrorJson, errorJson } from './error.ts';
import type { PayloadJson } from './payload.ts';

/** What became of a recording's upload. */
export interface UploadJson {
  recordingId: string;
  dir: string;
  /** `<endpoint>/<bucket>` */
  target: string;
  outcome: 'uploaded' | 'unchanged' | 'partial' | 'failed';
  files: FileJson[];
  metadata: { key: string; outcome: 'uploaded' | 'unchanged' | 'none'; error?: ErrorJson };
  /** Names in the folder that are not uploaded. */
  skipped: string[];
  /** What the webhook sends; missing if no file is in the bucket. */
  payload?: PayloadJson;
  sentBytes: number;
  durationMs: number;
}

export type FileJson = {
  name: string;
  role: 'video' | 'thumbnail' | 'transcript' | 'extra';
  key: string;
  sizeBytes: number;
} & ({ outcome: 'uploaded' | 'unchanged'; sentBytes: number; etag: string } | { outcome: 'failed'; error: ErrorJson });

export function uploadJson(report: UploadReport): UploadJson {
  const { recordingId, dir, target, outcome, files, metadata, skipped, payload, sentBytes, durationMs } = report;
  return {
    recordingId,
    dir,
    target,
    outcome,
    files: files.map(fileJson),
    metadata: {
      key: metadata.key,
      outcome: metadata.outcome,
      ...(metadata.error && { error: errorJson(metadata.error) }),
    },
    skipped,
    ...(payload && { payload }),
    sentBytes,
    durationMs: Math.round(durationMs),
  };
}

function fileJson(file: FileReport): FileJson {
  const { name, role, key, sizeBytes } = file;
  const facts = { name, role, key, sizeBytes };
  return file.outcome === 'failed'
    ? { ...facts, outcome: file.outcome, error: errorJson(file.error) }
    : { ...facts, outcome: file.outcome, sentBytes: file.sentBytes, etag: file.etag };
}
