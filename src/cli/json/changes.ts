import type { RemadeWebhook } from '../../app/complete-payloads.ts';
import type { PayloadChange } from '../../core/payload/remake-payload.ts';

/** What changed in a payload; null: it was missing. */
export interface ChangeJson {
  /** `user_info.email` */
  key: string;
  before: string | number | null;
  after: string | number | null;
}

/** A held webhook whose payload was made again. */
export interface RemadeJson {
  recordingId: string;
  endpoint: string;
  changes: ChangeJson[];
}

export function changeJson({ key, before, after }: PayloadChange): ChangeJson {
  return { key, before: before ?? null, after: after ?? null };
}

export function remadeJson({ recordingId, endpoint, changes }: RemadeWebhook): RemadeJson {
  return { recordingId, endpoint, changes: changes.map(changeJson) };
}
