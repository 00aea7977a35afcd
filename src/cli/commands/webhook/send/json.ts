import type { PayloadChange } from '../../../../core/payload/find-payload.ts';
import type { DeliveryJson } from '../../../json/delivery.ts';
import type { PayloadJson } from '../../../json/payload.ts';

/** The result of `webhook send --json`. */
export interface SendJson {
  deliveries: DeliveryJson[];
  /** What the options changed in the payload; null: it was missing. */
  changes: ChangeJson[];
}

export interface ChangeJson {
  /** `user_info.email` */
  key: string;
  before: string | number | null;
  after: string | number | null;
}

/** The result of `webhook send --dry-run --json`. */
export interface FoundWebhookJson {
  dryRun: true;
  /** Where the payload was found. */
  from: 'state' | 'metadata.json' | 'listing';
  payload: PayloadJson;
}

export function changeJson({ key, before, after }: PayloadChange): ChangeJson {
  return { key, before: before ?? null, after: after ?? null };
}
