import type { LinkCheck } from '../../../app/check-link.ts';
import type { VerifiedRecording } from '../../../app/verify.ts';

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
    /** With `--links`. */
    link?: { url: string; ok: boolean; detail: string; fix?: string };
  }[];
}

export function verifyJson(reports: readonly VerifiedRecording[]): VerifyJson {
  return {
    recordings: reports.map(({ recordingId, dir, ok, files, link }) => ({
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
      ...(link && { link: linkJson(link) }),
    })),
  };
}

function linkJson({ url, ok, detail, fix }: LinkCheck) {
  return { url, ok, detail, ...(fix !== undefined && { fix }) };
}
