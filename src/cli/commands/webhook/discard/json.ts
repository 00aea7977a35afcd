import type { DiscardReport } from '../../../../app/discard.ts';
import { type DiscardedJson, discardedJson } from '../../../json/discarded.ts';

/** The result of `webhook discard --json`. */
export interface WebhookDiscardJson {
  recordingId: string;
  /** Empty: no webhook was waiting or held. */
  discarded: DiscardedJson[];
}

export function webhookDiscardJson({ recordingId, discarded }: DiscardReport): WebhookDiscardJson {
  return { recordingId, discarded: discarded.map(discardedJson) };
}
