import type { ReplayReport } from '../../../../app/replay.ts';
import type { Delivery } from '../../../../core/delivery/delivery.ts';
import { type RemadeJson, remadeJson } from '../../../json/changes.ts';
import { type DeliveryJson, deliveryJson, type EndpointRunJson, endpointRunJson } from '../../../json/delivery.ts';
import { isoOrNull } from '../../../json/document.ts';

/** The result of `webhook replay --json`. */
export interface ReplayJson {
  chosen: number;
  deliveries: DeliveryJson[];
  /** Held webhooks whose payloads say something else now. */
  remade: RemadeJson[];
  endpoints: EndpointRunJson[];
}

export function replayJson(chosen: readonly Delivery[], { deliveries, endpoints, remade }: ReplayReport): ReplayJson {
  return {
    chosen: chosen.length,
    deliveries: deliveries.map(deliveryJson),
    remade: remade.map(remadeJson),
    endpoints: endpoints.map(endpointRunJson),
  };
}

/** The result of `webhook replay --dry-run --json`. */
export interface ReplayPlanJson {
  dryRun: true;
  chosen: number;
  deliveries: {
    recordingId: string;
    endpoint: string;
    webhookId: string;
    state: 'pending' | 'held' | 'delivered' | 'superseded' | 'discarded';
    heldReason: 'refused' | 'rejected' | 'exhausted' | 'disabled' | 'no-email' | null;
    settledAt: string | null;
  }[];
}

export function replayPlanJson(chosen: readonly Delivery[]): ReplayPlanJson {
  return {
    dryRun: true,
    chosen: chosen.length,
    deliveries: chosen.map(({ recordingId, endpoint, webhookId, state, heldReason, settledAt }) => ({
      recordingId,
      endpoint,
      webhookId,
      state,
      heldReason,
      settledAt: isoOrNull(settledAt),
    })),
  };
}
