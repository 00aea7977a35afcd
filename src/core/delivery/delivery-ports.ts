import type { DeliveryClaims } from './claims.ts';
import type { Endpoints } from './endpoints.ts';
import type { Outbox } from './outbox.ts';

/** What sending deliveries needs of the state. */
export interface DeliveryPorts {
  outbox: Outbox;
  claims: DeliveryClaims;
  endpoints: Endpoints;
  /** False: the state ends with this process, so what is not delivered is lost. */
  isKept: boolean;
}
