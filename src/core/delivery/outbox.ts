import type { Database } from '../../state/sqlite/database.ts';
import { type DeliveryClaims, openDeliveryClaims } from '../../state/sqlite/delivery-claims.ts';
import { type DeliveryStore, openDeliveryStore } from '../../state/sqlite/delivery-store.ts';
import { type EndpointStore, openEndpointStore } from '../../state/sqlite/endpoint-store.ts';

/** All that is kept about deliveries. */
export interface Outbox {
  deliveries: DeliveryStore;
  claims: DeliveryClaims;
  endpoints: EndpointStore;
  /** False where it ends with this process. */
  isKept: boolean;
}

/** The outbox in the open state. */
export function openOutbox(database: Database): Outbox {
  return {
    deliveries: openDeliveryStore(database),
    claims: openDeliveryClaims(database),
    endpoints: openEndpointStore(database),
    isKept: database.isKept,
  };
}
