import type { ChangeJson } from '../../../json/changes.ts';
import type { DeliveryJson } from '../../../json/delivery.ts';
import type { PayloadJson } from '../../../json/payload.ts';

/** The result of `webhook send --json`. */
export interface SendJson {
  deliveries: DeliveryJson[];
  /** What the options and the configuration changed in the payload. */
  changes: ChangeJson[];
}

/** The result of `webhook send --dry-run --json`. */
export interface FoundWebhookJson {
  dryRun: true;
  /** Where the payload was found. */
  from: 'state' | 'metadata.json' | 'listing';
  payload: PayloadJson;
}
