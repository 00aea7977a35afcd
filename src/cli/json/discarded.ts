import type { Delivery } from '../../core/delivery/delivery.ts';

/** A webhook that nobody wants any more. */
export interface DiscardedJson {
  endpoint: string;
  webhookId: string;
  attempts: number;
}

export function discardedJson({ endpoint, webhookId, attempts }: Delivery): DiscardedJson {
  return { endpoint, webhookId, attempts };
}
