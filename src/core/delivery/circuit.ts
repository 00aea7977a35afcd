/** Failures in a row that end a run against an endpoint that has not answered well in it yet, and one that has. */
const COLD_FAILURES = 3;
const WARM_FAILURES = 10;
/** A 429's pause up to this is waited for; a longer one is the next run's. */
const MAX_PAUSE_MS = 10_000;

/** Why a run sends nothing more to an endpoint. */
export type StopReason =
  | 'failing' // it failed several times in a row
  | 'refused' // it answered 401 or 403
  | 'disabled' // it answered 410, or an operator disabled it
  | 'throttled' // it asked for a longer pause than a run waits
  | 'off' // the configuration switches it off
  | 'interrupted'; // our own signal

/** What an answer says about the endpoint, whichever delivery it was for. */
export type Signal = 'well' | 'failed' | 'refused' | 'disabled' | { throttledMs: number };

/** The pace of one run against one endpoint: few probes first, all at once when it answers, none when it fails. */
export interface Circuit {
  /** POSTs that may be in flight now. */
  limit(): number;
  /** Set once nothing more is to be sent in this run. */
  readonly stopped: StopReason | undefined;
  /** Nothing may be sent before this time, in milliseconds of the monotonic clock. */
  readonly pausedUntil: number;
  record(signal: Signal, monotonicNow: number): void;
  stop(reason: StopReason): void;
}

/**
 * A new circuit for one run: a dead endpoint with 500 deliveries waiting costs it three POSTs.
 * @param concurrency POSTs in flight once it has answered well
 * @param options.single one probe at first: the endpoint refused us the last time
 */
export function createCircuit(
  concurrency: number,
  options: { single: boolean; coldFailures?: number | undefined },
): Circuit {
  const { single, coldFailures = COLD_FAILURES } = options;
  let stopped: StopReason | undefined;
  let failures = 0;
  let isWarm = false;
  let pausedUntil = Number.NEGATIVE_INFINITY;

  const countFailure = () => {
    failures++;
    if (failures >= (isWarm ? Math.max(WARM_FAILURES, coldFailures) : coldFailures)) stopped ??= 'failing';
  };
  return {
    // Probes that have failed are not replaced: those still under way may be the last that it gets.
    limit: () => (isWarm ? concurrency : Math.min(concurrency, single ? 1 : coldFailures - failures)),
    get stopped() {
      return stopped;
    },
    get pausedUntil() {
      return pausedUntil;
    },
    record(signal, monotonicNow) {
      if (signal === 'well') {
        isWarm = true;
        failures = 0;
      } else if (signal === 'failed') {
        countFailure();
      } else if (typeof signal === 'string') {
        stopped ??= signal;
      } else if (signal.throttledMs > MAX_PAUSE_MS) {
        stopped ??= 'throttled';
      } else {
        // Those that were in flight together are told off together: that is one failure.
        if (monotonicNow >= pausedUntil) countFailure();
        pausedUntil = Math.max(pausedUntil, monotonicNow + signal.throttledMs);
      }
    },
    stop(reason) {
      stopped ??= reason;
    },
  };
}
