import type { StopReason } from './circuit.ts';

/** What happened to one delivery in a run. */
export interface DeliveryReport {
  recordingId: string;
  endpoint: string;
  webhookId: string;
  /**
   * `busy`: another process is sending it; `superseded`: a newer payload replaced it; `lost`: not delivered, and not kept,
   * because the state is only in memory.
   */
  outcome: 'delivered' | 'pending' | 'held' | 'disabled' | 'superseded' | 'busy' | 'interrupted' | 'lost';
  /** What the server did with it, according to its response. */
  action?: 'created' | 'updated' | undefined;
  status?: number | undefined;
  /** The contract's log line; undefined if nothing was sent. */
  line?: string | undefined;
  /** What went wrong and what to do next, in plain words; empty if nothing did. */
  detail: string;
  /** When a pending delivery is due again, in milliseconds since 1970. */
  nextAt?: number | undefined;
  /** A `lost` one that was not sent around a state that cannot be used. */
  isBlocked?: true | undefined;
  /** A `held` one whose endpoint has to be enabled first. */
  isDisabled?: true | undefined;
  /** A `held` one whose endpoint is not configured any more. */
  isUnconfigured?: true | undefined;
  durationMs?: number | undefined;
}

/** One endpoint's part of a run. */
export interface EndpointReport {
  endpoint: string;
  /** POSTs made. */
  sent: number;
  /** Deliveries that were selected and not sent in this run; they are unchanged. */
  left: number;
  /** Further deliveries that were selected, which other processes were sending. */
  busy: number;
  stopped?: StopReason | undefined;
  /** Why the run stopped early, in plain words; empty if it did not. */
  detail: string;
}

export interface DeliverReport {
  /** All that were sent, and those named by `deliverySeqs` or `recordingIds` in any case. */
  deliveries: DeliveryReport[];
  endpoints: EndpointReport[];
}

/** Why a run sends nothing more to an endpoint, and what to do. */
export const STOPPED: Record<StopReason, (endpoint: string) => string> = {
  failing: name => `endpoint ${name} keeps failing; the next run tries it again`,
  refused: name =>
    `endpoint ${name} refuses the token; its deliveries are held until webhook.token or webhook.url is changed`,
  disabled: name =>
    `endpoint ${name} is disabled; enable it with "recordupload webhook enable ${name}" once its URL is right`,
  throttled: name => `endpoint ${name} asks for a longer pause; the next run continues`,
  'no-token': name =>
    `endpoint ${name} has no token: set ${name === 'default' ? 'WEBHOOK_TOKEN or webhook.tokenFile' : 'its token or tokenFile in webhooks'}, then run "recordupload retry"`,
  off: name => `endpoint ${name} is switched off in the configuration`,
  interrupted: () => 'interrupted; the next run continues',
};

/** Why a run sends nothing to an endpoint that refuses its token, where somebody else has another one. */
export function leftToOthers(endpoint: string): string {
  return `endpoint ${endpoint} refuses the token that is configured here; others who share the state send its webhooks`;
}

/** Why nothing is sent to an endpoint that only the state knows, and what to do. */
export const UNCONFIGURED = 'is no longer in the configuration: configure it again under that name';

/** Why a delivery was not sent that an older payload of its recording keeps waiting. */
export const WAITS = 'it waits because an older payload may still be arriving; "recordupload retry" sends it then';

/** Why a webhook without an e-mail address is not sent, and what to do. */
export const NO_EMAIL =
  'no e-mail address to tell the server: set user.email (RECORDUPLOAD_USER_EMAIL), then run "recordupload retry"';

/** The report of a delivery that is not sent around a state which cannot be used. */
export function blocked(report: DeliveryReport): DeliveryReport {
  return { ...report, outcome: 'lost', nextAt: undefined, isBlocked: true, detail: BLOCKED };
}

const BLOCKED =
  'not sent: the state cannot be used, and may hold an older webhook of this recording, which would be sent after this one';

/** The report if the state is only in memory: what was not delivered is lost. */
export function withoutState(report: DeliveryReport): DeliveryReport {
  if (report.outcome === 'delivered') return report;
  const detail = [report.detail, 'without a state folder it is not kept, and will not be tried again']
    .filter(Boolean)
    .join('; ');
  return { ...report, outcome: 'lost', nextAt: undefined, detail };
}
