import type { Endpoint } from '../core/webhook/endpoint.ts';
import type { WaitingCount } from '../state/sqlite/delivery-store.ts';

/** Endpoints that have webhooks waiting and are not configured (any more): nothing sends those. */
export function leftBehind(waiting: readonly WaitingCount[], configured: readonly Endpoint[]): WaitingCount[] {
  return waiting.filter(({ endpoint }) => !configured.some(({ name }) => name === endpoint));
}

/** What is to be said of such an endpoint. */
export function leftBehindText({ endpoint, count }: WaitingCount): string {
  const left = `, and ${count} of its webhooks ${count === 1 ? 'is' : 'are'} not sent until it is configured again`;
  return `endpoint ${endpoint} is not in the configuration (any more)${count > 0 ? left : ''}`;
}
