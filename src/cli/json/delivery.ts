import type { DeliveryReport, EndpointReport } from '../../core/delivery/delivery-report.ts';
import { iso } from './document.ts';

/** What became of a webhook. */
export interface DeliveryJson {
  recordingId: string;
  endpoint: string;
  webhookId: string;
  outcome: 'delivered' | 'pending' | 'held' | 'disabled' | 'superseded' | 'busy' | 'interrupted' | 'lost';
  /** What the server did with it. */
  action?: 'created' | 'updated';
  status?: number;
  /** What went wrong, or why it was not sent. */
  detail?: string;
  /** When it is due again. */
  nextAt?: string;
  durationMs?: number;
}

export function deliveryJson(delivery: DeliveryReport): DeliveryJson {
  const { recordingId, endpoint, webhookId, outcome, action, status, detail, nextAt, durationMs } = delivery;
  return {
    recordingId,
    endpoint,
    webhookId,
    outcome,
    ...(action && { action }),
    ...(status !== undefined && { status }),
    ...(detail && { detail }),
    ...(nextAt !== undefined && { nextAt: iso(nextAt) }),
    ...(durationMs !== undefined && { durationMs }),
  };
}

/** What a run did at one endpoint. */
export interface EndpointRunJson {
  endpoint: string;
  /** Requests made. */
  sent: number;
  /** Webhooks that were not sent in this run. */
  left: number;
  /** Webhooks that other processes were sending. */
  busy: number;
  /** Why nothing more was sent. */
  stopped?: 'failing' | 'refused' | 'disabled' | 'throttled' | 'no-token' | 'off' | 'interrupted';
  detail: string;
}

export function endpointRunJson({ endpoint, sent, left, busy, stopped, detail }: EndpointReport): EndpointRunJson {
  return { endpoint, sent, left, busy, ...(stopped && { stopped }), detail };
}
