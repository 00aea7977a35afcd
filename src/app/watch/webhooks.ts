import { FURTHEST_MS } from '../../core/delivery/claims.ts';
import type { Pace } from '../../core/delivery/deliver-to-endpoint.ts';
import { deliverWebhooks } from '../../core/delivery/deliver-webhooks.ts';
import type { NextDue } from '../../core/delivery/outbox.ts';
import type { Runtime } from '../runtime.ts';
import { createAsking } from './asking.ts';
import type { Generations } from './generations.ts';

/** Sends webhooks when they are due. */
export interface Webhooks {
  /**
   * Begins a run for each endpoint with something due, and does not wait for it.
   * @returns how long nothing will be due, in milliseconds
   * @throws AppError `STATE`
   */
  pump(): Promise<number>;
  /** Runs under way. */
  readonly running: number;
  /** Endpoints whose failures have ended the last run against them. */
  readonly failing: number;
  /** Resolves once those have ended. */
  idle(): Promise<void>;
  /** A new configuration may have brought what was missing. */
  reset(): void;
}

/** Runs against one endpoint at the same time: what becomes due meanwhile does not wait for a server that hangs. */
const RUNS_AT_ONCE = 4;
/** After a run that the endpoint's failures have ended, the next one waits: three POSTs each, not three a second. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
/** What another process sends, or what waits for an older payload, is due and cannot be sent. */
const BUSY_PAUSE_MS = 2_000;

interface Lane {
  runs: number;
  /** Shared by the runs under way. */
  paces: Map<string, Pace>;
  /** On the monotonic clock. */
  pausedUntil: number;
  /** Runs in a row that the endpoint's failures have ended. */
  failures: number;
  /** The refusal of a token, by its time, after which a run has looked whether this configuration has another one. */
  lookedAfter: number | undefined;
}

function newLane(): Lane {
  return { runs: 0, paces: new Map(), pausedUntil: 0, failures: 0, lookedAfter: undefined };
}

/**
 * @param onEnd called when a run has ended
 * @param onFailure gets what a run fails with
 */
export function createWebhooks(
  generations: Generations,
  { onEnd, onFailure }: { onEnd: () => void; onFailure: (error: unknown) => void },
): Webhooks {
  const lanes = new Map<string, Lane>();
  const running = new Set<Promise<void>>();
  const asking = createAsking(generations, onEnd);
  let dues: NextDue[] = [];

  const run = async (endpoint: string, lane: Lane, runtime: Runtime) => {
    const { clock } = runtime;
    const deps = { ...(await runtime.delivery()), paces: lane.paces };
    const report = await deliverWebhooks({ due: 'due', held: false, trigger: 'retry', endpoints: [endpoint] }, deps);
    const [{ stopped, sent } = { stopped: undefined, sent: 0 }] = report.endpoints;
    if (stopped !== undefined) {
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** lane.failures);
      lane.failures++;
      lane.pausedUntil = clock.monotonic() + pauseMs;
    } else {
      lane.failures = 0;
      lane.pausedUntil = sent > 0 ? 0 : clock.monotonic() + BUSY_PAUSE_MS;
    }
  };

  const start = (endpoint: string, lane: Lane) => {
    lane.runs++;
    const work: Promise<void> = generations
      .use(runtime => run(endpoint, lane, runtime))
      .catch(error => {
        lane.lookedAfter = undefined;
        lane.pausedUntil = generations.runtime.clock.monotonic() + FIRST_PAUSE_MS;
        onFailure(error);
      })
      .finally(() => {
        lane.runs--;
        if (lane.runs === 0) lane.paces = new Map();
        running.delete(work);
        asking.hint();
        onEnd();
      });
    running.add(work);
  };

  return {
    get running() {
      return running.size;
    },
    get failing() {
      return [...lanes.values()].filter(({ failures }) => failures > 0).length;
    },
    async pump() {
      const { runtime } = generations;
      const { clock, config } = runtime;
      const { outbox, changes } = await runtime.state();
      let isFresh = await asking.take();
      if (isFresh) dues = await outbox.nextDue();
      let quietMs = Number.POSITIVE_INFINITY;
      for (let at = 0; at < dues.length; at++) {
        const due = dues[at]!;
        const { endpoint } = due;
        const configured = config.webhooks.find(({ name }) => name === endpoint);
        // Who shares the state may have a token.
        if (!configured || (changes && configured.token === undefined)) continue;
        const lane = lanes.get(endpoint) ?? newLane();
        lanes.set(endpoint, lane);
        const refusedAt = 'refusedAt' in due ? due.refusedAt : undefined;
        if (refusedAt !== undefined && refusedAt === lane.lookedAfter) continue;
        // A clock that was wrong has scheduled it that far ahead; a run repairs that.
        const dueInMs = 'nextAt' in due ? due.nextAt - clock.now() : 0;
        const waitMs = Math.max(dueInMs > FURTHEST_MS ? 0 : dueInMs, lane.pausedUntil - clock.monotonic());
        if (waitMs > 0) {
          quietMs = Math.min(quietMs, waitMs);
          continue;
        }
        if (lane.runs >= RUNS_AT_ONCE || lane.paces.get(endpoint)?.circuit.stopped !== undefined) continue;
        if (!isFresh) {
          // Another machine may have sent it since.
          [isFresh, dues, at, quietMs] = [true, await outbox.nextDue(), -1, Number.POSITIVE_INFINITY];
          continue;
        }
        // A run takes what is due at its beginning; the next one begins when there is more, not at once.
        lane.pausedUntil = clock.monotonic() + BUSY_PAUSE_MS;
        quietMs = Math.min(quietMs, BUSY_PAUSE_MS);
        if (refusedAt !== undefined) lane.lookedAfter = refusedAt;
        start(endpoint, lane);
      }
      return quietMs;
    },
    idle: async () => {
      await Promise.all(running);
    },
    reset() {
      asking.hint();
      for (const lane of lanes.values()) Object.assign(lane, { pausedUntil: 0, failures: 0, lookedAfter: undefined });
    },
  };
}
