import type { Clock } from '../clock.ts';
import type { Signal, StopReason } from './circuit.ts';

/*
 * What all machines of a fleet know together of an endpoint that does not answer. When the run of one of them finds it
 * dead, its circuit opens: the others send nothing either. Once its time is over, one process alone sends one POST, the
 * probe; a good answer closes the circuit for all, a failure opens it for longer.
 */

/** How long a circuit is open after the first failed run, and at most, in milliseconds; it doubles in between. */
const FIRST_OPEN_MS = 5_000;
const LONGEST_OPEN_MS = 60_000;
/** How long one process has the probe: longer than a claim and its POST. If it dies, the probe is free at once. */
export const PROBE_MS = 120_000;

/** How long the circuit opens after so many failed runs in a row. */
export function openFor(failures: number): number {
  return Math.min(LONGEST_OPEN_MS, FIRST_OPEN_MS * 2 ** Math.min(failures - 1, 10));
}

/**
 * `closed`: nothing is known against it. `probe`: the caller, and nobody else, tries it once, and then calls `record` or
 * `leave`. `open`: nothing is sent now; when to ask again at the earliest, in milliseconds since 1970.
 */
export type Entry = 'closed' | 'probe' | { openUntil: number };

/**
 * The circuits of the endpoints. Times are milliseconds since 1970.
 * @throws AppError `STATE` (every method) if the state cannot be read or written
 */
export interface SharedCircuits {
  /** Whether this process may send to the endpoint now. */
  enter(endpoint: string, now: number): Promise<Entry>;
  /** A run has found out: the endpoint answered well, or it failed several times in a row. Ends the caller's probe. */
  record(endpoint: string, how: 'well' | 'failing', now: number): Promise<void>;
  /** Gives the probe back unused; harmless without one. */
  leave(endpoint: string): Promise<void>;
}

/** One run's part in the circuit of its endpoint. */
export interface SharedRun {
  readonly entry: Entry;
  /** What a response says about the endpoint: the others learn of the first good one at once. */
  note(signal: Signal | undefined): Promise<void>;
  /** Once nothing is under way any more. @param stopped why the run has ended early */
  end(stopped: StopReason | undefined): Promise<void>;
}

/**
 * Enters the circuit of an endpoint for a run.
 * @param circuits undefined: the state is of one machine
 * @param options.isAsked an operator asks for these deliveries: they are tried whatever the others have found out
 */
export async function enterCircuit(
  circuits: SharedCircuits | undefined,
  endpoint: string,
  { isAsked, clock }: { isAsked: boolean; clock: Clock },
): Promise<SharedRun> {
  const entry = circuits && !isAsked ? await circuits.enter(endpoint, clock.now()) : 'closed';
  let isOpen = entry === 'probe' || isAsked;
  return {
    entry,
    async note(signal) {
      // While the circuit is closed, a success is no news.
      if (!circuits || !isOpen || signal !== 'well') return;
      isOpen = false;
      await circuits.record(endpoint, 'well', clock.now());
    },
    async end(stopped) {
      if (!circuits || typeof entry === 'object') return;
      if (stopped === 'failing') await circuits.record(endpoint, 'failing', clock.now());
      else if (entry === 'probe' && isOpen) await circuits.leave(endpoint);
    },
  };
}
