import type { EndpointOverview } from '../../../../app/endpoints.ts';
import { isoOrNull } from '../../../json/document.ts';

/** The result of `webhook list --json`. */
export interface EndpointsJson {
  endpoints: {
    name: string;
    /** Null where it is not configured any more. */
    url: string | null;
    configured: boolean;
    /** True where webhooks are sent to it. */
    enabled: boolean;
    /** `enabled: false` in the configuration. */
    switchedOff: boolean;
    disabledReason: string | null;
    disabledSince: string | null;
    refusedSince: string | null;
    /** The machines whose token it refuses, where the state is a fleet's. */
    refusedOn: string[];
    token: 'set' | 'unset';
    signingSecrets: number;
    counts: {
      pending: number;
      held: number;
      /** How many are held for which reason. */
      heldBy: { refused?: number; rejected?: number; exhausted?: number; disabled?: number };
      delivered: number;
      superseded: number;
    };
    oldestWaiting: string | null;
    nextTry: string | null;
  }[];
}

export function endpointsJson(endpoints: readonly EndpointOverview[]): EndpointsJson {
  return { endpoints: endpoints.map(endpointJson) };
}

function endpointJson(overview: EndpointOverview): EndpointsJson['endpoints'][number] {
  const { name, url, isConfigured, isSwitchedOff, hasToken, signingSecrets, disabledReason } = overview;
  const { pending, held, heldBy, delivered, superseded } = overview;
  const { refused, rejected, exhausted, disabled } = heldBy;
  return {
    name,
    url: url ?? null,
    configured: isConfigured,
    enabled: isConfigured && !isSwitchedOff && disabledReason === null,
    switchedOff: isSwitchedOff,
    disabledReason,
    disabledSince: isoOrNull(overview.disabledAt),
    refusedSince: isoOrNull(overview.refusedAt),
    refusedOn: overview.refusedOn,
    token: hasToken ? 'set' : 'unset',
    signingSecrets,
    counts: {
      pending,
      held,
      heldBy: {
        ...(refused !== undefined && { refused }),
        ...(rejected !== undefined && { rejected }),
        ...(exhausted !== undefined && { exhausted }),
        ...(disabled !== undefined && { disabled }),
      },
      delivered,
      superseded,
    },
    oldestWaiting: isoOrNull(overview.oldestAt),
    nextTry: isoOrNull(overview.nextAt),
  };
}
