import type { InFlight } from '../../../src/core/storage/in-flight.ts';
import type { VirtualClock } from './virtual-clock.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A line to a store, as a fluid: what connections move together, without single packets. */
export interface Line {
  roundTripMs: number;
  /** Bytes a millisecond that so many busy connections move together. */
  rate(connections: number): number;
  /** Bytes that a request hands over at memory speed before the line decides: the system's buffers. */
  bufferBytes: number;
}

const megabits = (perSecond: number) => (perSecond * 1e6) / 8 / 1000;

/** A far store that gives each connection so much, on a line that is wide enough for all of them. */
export function limitedByConnection({ roundTripMs = 20, perConnection = megabits(100) } = {}): Line {
  return { roundTripMs, bufferBytes: 256 * KIB, rate: connections => connections * perConnection };
}

/**
 * A line that loses packets at random. A connection moves what TCP does then: `1.22 × segment ÷ (round trip × √loss)`
 * (Mathis, Semke, Mahdavi, Ott: The Macroscopic Behavior of the TCP Congestion Avoidance Algorithm, 1997).
 */
export function lossy({ roundTripMs = 200, loss = 0.01, capacity = megabits(50) } = {}): Line {
  const perConnection = (1.22 * 1460) / (roundTripMs * Math.sqrt(loss));
  return { roundTripMs, bufferBytes: 64 * KIB, rate: connections => Math.min(capacity, connections * perConnection) };
}

/** A line that all connections share. Each further one beyond those that fill it costs a little: queues, retransmissions. */
export function shared({ roundTripMs = 20, capacity = megabits(1000), fillIt = 4, lossEach = 0.0025 } = {}): Line {
  return {
    roundTripMs,
    bufferBytes: MIB,
    rate: connections =>
      connections < fillIt
        ? (capacity * connections) / fillIt
        : capacity * Math.max(0.3, 1 - lossEach * (connections - fillIt)),
  };
}

/** A policer drops what exceeds its rate, and each connection that meets it starts slowly again: many lose more together. */
export function policed({ roundTripMs = 30, capacity = megabits(100) } = {}): Line {
  return shared({ roundTripMs, capacity, fillIt: 3, lossEach: 0.005 });
}

/** A modem with a buffer for seconds: no number of connections moves more, and each adds to the delay of all. */
export function bloated({ roundTripMs = 25, capacity = megabits(40), buffersOf = 1 * MIB } = {}): Line & {
  delayMs(connections: number): number;
} {
  return {
    roundTripMs,
    bufferBytes: buffersOf,
    rate: () => capacity,
    delayMs: connections => roundTripMs + (connections * buffersOf) / capacity,
  };
}

/** The same line from a moment on another one. */
export function changing(clock: VirtualClock, first: Line, afterMs: number, then: Line): Line {
  return {
    ...first,
    rate: connections => (clock.elapsed() < afterMs ? first : then).rate(connections),
  };
}

/** What happened on a line. */
export interface Traffic {
  /** Each number in flight that was tried, in order. */
  tried: number[];
  /** Bytes a millisecond, over the whole time. */
  rate: number;
  /** The same over the second half, in which the search has ended. */
  settledRate: number;
}

const STEP_MS = 20;

interface Request {
  /** Bytes that its connection has taken: up to a buffer more than have arrived. */
  taken: number;
  arrived: number;
  release(): void;
}

/**
 * Sends parts of 8 MiB over a line, as many at once as `inFlight` allows, for a while of the virtual clock. The line is
 * noisy: each step moves up to `noise` more or less, which a generator with a fixed beginning decides.
 */
export async function sendOver(
  line: Line,
  inFlight: InFlight,
  clock: VirtualClock,
  { forMs = 60_000, partBytes = 8 * MIB, noise = 0.1, seed = 1 } = {},
): Promise<Traffic> {
  const { signal } = new AbortController();
  const random = generator(seed);
  const requests = new Set<Request>();
  let arrived = 0;
  let arrivedBeforeHalf = 0;
  let isOver = false;
  const ask = () => {
    void inFlight.acquire(signal).then(release => {
      if (isOver) return release();
      requests.add({ taken: 0, arrived: 0, release });
      ask();
    });
  };
  inFlight.roundTrip(line.roundTripMs);
  const tried = [inFlight.limit];
  // As many wait at any time, so that the number in flight decides, not the source.
  for (let waiting = 0; waiting < 64; waiting++) ask();
  const until = clock.elapsed() + forMs;
  const half = clock.elapsed() + forMs / 2;
  while (clock.elapsed() < until) {
    // Requests that were let in begin now.
    await Promise.resolve().then(() => {});
    clock.advance(STEP_MS);
    const share = (line.rate(requests.size) * STEP_MS * (1 + noise * (2 * random() - 1))) / Math.max(1, requests.size);
    for (const request of requests) {
      const arriving = Math.min(share, partBytes - request.arrived);
      request.arrived += arriving;
      arrived += arriving;
      if (clock.elapsed() <= half) arrivedBeforeHalf += arriving;
      const taken = Math.min(partBytes, request.arrived + line.bufferBytes);
      if (taken > request.taken) inFlight.moved(taken - request.taken);
      request.taken = taken;
      if (request.arrived < partBytes) continue;
      requests.delete(request);
      request.release();
    }
    if (inFlight.limit !== tried.at(-1)) tried.push(inFlight.limit);
  }
  isOver = true;
  for (const { release } of requests) release();
  return { tried, rate: arrived / forMs, settledRate: (arrived - arrivedBeforeHalf) / (forMs / 2) };
}

/** Numbers from 0 to 1, always the same ones (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
