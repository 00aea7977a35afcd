/** So many failures in a row end the run: before the endpoint's first good response in it, and after. */
const COLD_FAILURES = 3;
const WARM_FAILURES = 10;
/** A run waits for a pause that the server asks for, up to this long; a longer one ends the run. */
const MAX_PAUSE_MS = 10_000;

/** Why a run sends nothing more to an endpoint. */
export type StopReason =
  | 'failing' // it failed several times in a row
  | 'refused' // it answered 401 or 403
  | 'disabled' // it answered 410, or an operator disabled it
  | 'throttled' // it asked for a longer pause than a run waits
  | 'no-token' // the configuration has no token for it
  | 'off' // the configuration switches it off
  | 'interrupted'; // the caller's signal aborted

/** What a response says about the endpoint, whichever delivery it was for. */
export type Signal = 'well' | 'failed' | 'refused' | 'disabled' | { throttledMs: number };

/** The pace of one run against one endpoint: few POSTs at first, all at once after a good response, none after failures. */
export interface Circuit {
  /** How many POSTs may be in flight now. */
  limit(): number;
  /** Set once this run must send nothing more. */
  readonly stopped: StopReason | undefined;
  /** Send nothing before this time, in milliseconds of the monotonic clock. */
  readonly pausedUntil: number;
  record(signal: Signal, monotonicNow: number): void;
  stop(reason: StopReason): void;
}

/**
 * Makes the circuit for one run. A dead endpoint gets three POSTs, even if 500 deliveries wait for it.
 * @param concurrency POSTs in flight after the first good response
 * @param options.single one POST in flight until then: the endpoint refused the token the last time
 * @param options.coldFailures failures in a row before the first good response that end the run; 3 unless given
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
    // Before the first success a failed probe frees no slot, so a dead endpoint gets at most `coldFailures` POSTs a run.
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
        // POSTs that were in flight together are throttled together: count them as one failure.
        if (monotonicNow >= pausedUntil) countFailure();
        pausedUntil = Math.max(pausedUntil, monotonicNow + signal.throttledMs);
      }
    },
    stop(reason) {
      stopped ??= reason;
    },
  };
}
