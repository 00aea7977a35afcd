import type { VerifyReport } from '../../../core/upload/verify-recording.ts';

/** The result of `verify --json`. */
export interface VerifyJson {
  recordings: {
    recordingId: string;
    /** Missing where only the bucket was checked. */
    dir?: string;
    ok: boolean;
    files: {
      name: string;
      key: string;
      verdict: 'same' | 'differs' | 'missing' | 'unproven';
      detail: string;
      sizeBytes?: number;
    }[];
  }[];
}

export function verifyJson(reports: readonly VerifyReport[]): VerifyJson {
  return {
    recordings: reports.map(({ recordingId, dir, ok, files }) => ({
      recordingId,
      ...(dir !== undefined && { dir }),
      ok,
      files: files.map(({ name, key, verdict, detail, sizeBytes }) => ({
        name,
        key,
        verdict,
        detail,
        ...(sizeBytes !== undefined && { sizeBytes }),
      })),
    })),
  };
}
