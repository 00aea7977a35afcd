import type { LocalForecast } from '../../../app/cleanup/local.ts';
import type { CleanupReport } from '../../../app/cleanup/uploads.ts';

/** The result of `cleanup uploads --json`, and a part of that of `cleanup --json`. */
export interface CleanupJson {
  /** True if the uploads were deleted. */
  aborted: boolean;
  uploads: {
    key: string;
    uploadId: string;
    initiated?: string;
    /** When a part last came in. */
    lastPart?: string;
    /** Null where the parts cannot be listed. */
    parts: number | null;
    bytes: number | null;
    begun: 'here' | 'elsewhere';
  }[];
}

export function cleanupJson({ removed, uploads }: CleanupReport): CleanupJson {
  return {
    aborted: removed,
    uploads: uploads.map(({ key, uploadId, initiated, lastPart, parts, bytes, begun }) => ({
      key,
      uploadId,
      ...(initiated && { initiated: initiated.toISOString() }),
      ...(lastPart && { lastPart: lastPart.toISOString() }),
      parts: parts ?? null,
      bytes: bytes ?? null,
      begun,
    })),
  };
}

/** In the result of `cleanup --json`: recordings whose local files are due to be compared with the bucket, and removed. */
export interface ForecastJson {
  /** Null: local files are never removed. */
  ageMs: number | null;
  recordings: number;
  bytes: number;
}

export function forecastJson({ ageMs, recordings, bytes }: LocalForecast): ForecastJson {
  return { ageMs: ageMs ?? null, recordings, bytes };
}
