import type { DeliveryClaims } from './claims.ts';
import type { Endpoints } from './endpoints.ts';
import type { Outbox } from './outbox.ts';
import type { SharedCircuits } from './shared-circuit.ts';

/** What sending deliveries needs of the state. */
export interface DeliveryPorts {
  outbox: Outbox;
  claims: DeliveryClaims;
  endpoints: Endpoints;
  /** Undefined where the state is of one machine: each run finds out for itself. */
  circuits?: SharedCircuits | undefined;
  /** False: the state ends with this process, so what is not delivered is lost. */
  isKept: boolean;
  /**
   * True: only in memory, although there is a state, which cannot be used. It may hold older payloads, and send them later:
   * so nothing is sent around it.
   */
  isBlocked: boolean;
}
