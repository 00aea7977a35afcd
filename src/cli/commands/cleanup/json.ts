import type { CleanupReport } from '../../../app/cleanup.ts';

/** The result of `cleanup --json`. */
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
