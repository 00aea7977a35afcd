import type { StopReason } from './circuit.ts';

/** What became of one delivery in a run. */
export interface DeliveryReport {
  recordingId: string;
  endpoint: string;
  webhookId: string;
  /**
   * `busy`: another process is sending it; `superseded`: a newer payload took its place; `lost`: not delivered, and the
   * state that would keep it ends with this process.
   */
  outcome: 'delivered' | 'pending' | 'held' | 'disabled' | 'superseded' | 'busy' | 'interrupted' | 'lost';
  /** What the server did with it, as it says. */
  action?: 'created' | 'updated' | undefined;
  status?: number | undefined;
  /** The contract's log line; undefined where nothing was sent. */
  line?: string | undefined;
  /** What went wrong and what to do next, in plain words; empty where nothing did. */
  detail: string;
  /** When a pending one is due again, in milliseconds since 1970. */
  nextAt?: number | undefined;
  durationMs?: number | undefined;
}

/** One endpoint's part of a run. */
export interface EndpointReport {
  endpoint: string;
  /** POSTs made. */
  sent: number;
  /** Deliveries that were wanted and not sent in this run; they are as they were. */
  left: number;
  /** Of the rest: those that other processes were sending. */
  busy: number;
  stopped?: StopReason | undefined;
  /** Why it stopped, in plain words; empty where it did not. */
  detail: string;
}

export interface DeliverReport {
  /** Those that were sent, and of those named by `seqs` or `recordingIds` also the others. */
  deliveries: DeliveryReport[];
  endpoints: EndpointReport[];
}

/** Why a run sends nothing more to an endpoint, and what to do. */
export const STOPPED: Record<StopReason, (endpoint: string) => string> = {
  failing: name => `endpoint ${name} fails; it is left alone until the next run`,
  refused: name =>
    `endpoint ${name} refuses the token; its deliveries are held until webhook.token or webhook.url is changed`,
  disabled: name =>
    `endpoint ${name} is disabled; enable it with "recordupload webhook enable ${name}" once its URL is right`,
  throttled: name => `endpoint ${name} asks for a longer pause; the next run goes on`,
  off: name => `endpoint ${name} is switched off in the configuration`,
  interrupted: () => 'interrupted; the next run goes on',
};

/** What a report comes to where the state is only in memory: what was not delivered is not tried again. */
export function withoutState(report: DeliveryReport): DeliveryReport {
  if (report.outcome === 'delivered') return report;
  const detail = [report.detail, 'without a state it cannot be kept, and is not tried again']
    .filter(Boolean)
    .join('; ');
  return { ...report, outcome: 'lost', nextAt: undefined, detail };
}
