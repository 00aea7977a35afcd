import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Circuit, createCircuit, type Signal } from '../../../src/core/delivery/circuit.ts';
import { type VirtualClock, virtualClock } from '../storage/virtual-clock.ts';

const CONCURRENCY = 8;
let clock: VirtualClock;
beforeEach(() => {
  clock = virtualClock();
});

const circuitOf = (options: { single?: boolean; coldFailures?: number } = {}, concurrency = CONCURRENCY) =>
  createCircuit(concurrency, { single: false, ...options });

/** Responses that come one after the other, 10 ms apart. */
function answers(circuit: Circuit, ...signals: Signal[]): void {
  for (const signal of signals) {
    clock.advance(10);
    circuit.record(signal, clock.monotonic());
  }
}
const times = (count: number, signal: Signal): Signal[] => Array.from({ length: count }, () => signal);

/** Sends deliveries as a run does: as many at once as the circuit allows, each response 100 ms later. Returns the POSTs. */
async function run(circuit: Circuit, respond: (post: number) => Signal, deliveries = 500) {
  const posts: { at: number; inFlight: number }[] = [];
  const inFlight = new Set<Promise<void>>();
  const send = async () => {
    const post = posts.push({ at: clock.elapsed(), inFlight: inFlight.size + 1 });
    await clock.sleep(100);
    circuit.record(respond(post), clock.monotonic());
  };
  while (circuit.stopped === undefined) {
    const pauseMs = circuit.pausedUntil - clock.monotonic();
    if (pauseMs > 0 && posts.length < deliveries) {
      await clock.sleep(pauseMs);
      continue;
    }
    while (posts.length < deliveries && inFlight.size < circuit.limit()) {
      const work: Promise<void> = send().finally(() => inFlight.delete(work));
      inFlight.add(work);
    }
    if (inFlight.size === 0) break;
    await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  return posts;
}

describe('An endpoint that has not answered well in this run', () => {
  test('gets three POSTs, and no more if all of them fail', async () => {
    const circuit = circuitOf();
    expect(await run(circuit, () => 'failed')).toHaveLength(3);
    expect(circuit.stopped).toBe('failing');
  });

  test('gets no POST in place of one that failed, while others are under way', () => {
    const circuit = circuitOf();
    expect(circuit.limit()).toBe(3);
    answers(circuit, 'failed');
    expect(circuit.limit()).toBe(2);
    answers(circuit, 'failed');
    expect([circuit.limit(), circuit.stopped]).toEqual([1, undefined]);
    answers(circuit, 'failed');
    expect(circuit.stopped).toBe('failing');
  });

  test('gets as many POSTs as the run allows failures', async () => {
    expect(await run(circuitOf({ coldFailures: 5 }), () => 'failed')).toHaveLength(5);
    expect(await run(circuitOf({ coldFailures: 1 }), () => 'failed')).toHaveLength(1);
  });

  test('never gets more at once than the run sends', () => {
    expect(circuitOf({}, 2).limit()).toBe(2);
  });
});

describe('An endpoint that answers well', () => {
  test('gets everything at once from then on, even if the first POSTs failed', async () => {
    const circuit = circuitOf();
    const posts = await run(circuit, post => (post <= 2 ? 'failed' : 'well'), 40);
    expect(posts).toHaveLength(40);
    expect(posts.slice(0, 3).map(({ inFlight }) => inFlight)).toEqual([1, 2, 3]);
    expect(Math.max(...posts.map(({ inFlight }) => inFlight))).toBe(CONCURRENCY);
    expect(circuit.stopped).toBeUndefined();
  });

  test('and then fails is left after ten failures in a row', () => {
    const circuit = circuitOf();
    answers(circuit, 'well', ...times(9, 'failed'));
    expect([circuit.stopped, circuit.limit()]).toEqual([undefined, CONCURRENCY]);
    answers(circuit, 'failed');
    expect(circuit.stopped).toBe('failing');
  });

  test('recovers with one good response: the failures before it no longer count', () => {
    const circuit = circuitOf();
    answers(circuit, 'failed', 'failed', 'well', ...times(9, 'failed'), 'well', ...times(9, 'failed'));
    expect([circuit.stopped, circuit.limit()]).toEqual([undefined, CONCURRENCY]);
  });

  test('is allowed at least as many failures as one that has not answered yet', () => {
    const circuit = circuitOf({ coldFailures: 12 });
    answers(circuit, 'well', ...times(11, 'failed'));
    expect(circuit.stopped).toBeUndefined();
    answers(circuit, 'failed');
    expect(circuit.stopped).toBe('failing');
  });
});

describe('An endpoint that refused the token the last time', () => {
  test('gets a single POST, and nothing more if it refuses again', async () => {
    const circuit = circuitOf({ single: true });
    expect(await run(circuit, () => 'refused')).toHaveLength(1);
    expect(circuit.stopped).toBe('refused');
  });

  test('gets one POST at a time while they fail, and everything at once when one is accepted', async () => {
    const posts = await run(circuitOf({ single: true }), post => (post <= 2 ? 'failed' : 'well'), 20);
    expect(posts.slice(0, 3)).toEqual([
      { at: 0, inFlight: 1 },
      { at: 100, inFlight: 1 },
      { at: 200, inFlight: 1 },
    ]);
    expect(Math.max(...posts.map(({ inFlight }) => inFlight))).toBe(CONCURRENCY);
  });
});

describe('An endpoint that asks for a pause', () => {
  test('gets nothing until the pause is over, and then the rest', async () => {
    const circuit = circuitOf({}, 1);
    const posts = await run(circuit, post => (post === 2 ? { throttledMs: 5_000 } : 'well'), 4);
    expect(posts.map(({ at }) => at)).toEqual([0, 100, 5_200, 5_300]);
    expect(circuit.stopped).toBeUndefined();
  });

  test('gets the longest pause that it asked for', () => {
    const circuit = circuitOf();
    answers(circuit, 'well', { throttledMs: 4_000 }, { throttledMs: 1_000 });
    expect(circuit.pausedUntil).toBe(4_020);
  });

  test('fails once for all POSTs that were in flight together', () => {
    const circuit = circuitOf();
    answers(circuit, ...times(20, { throttledMs: 1_000 }));
    expect([circuit.stopped, circuit.limit()]).toEqual([undefined, 2]);
  });

  test('is left after three pauses in a row without a good response', async () => {
    const circuit = circuitOf();
    const posts = await run(circuit, () => ({ throttledMs: 1_000 }));
    expect(circuit.stopped).toBe('failing');
    expect(posts.map(({ at }) => at)).toEqual([0, 0, 0, 1_100, 1_100, 2_200]);
  });

  test('recovers with one good response after the pause', () => {
    const circuit = circuitOf();
    for (let pauses = 0; pauses < 20; pauses++) {
      answers(circuit, { throttledMs: 1_000 });
      clock.advance(1_000);
      answers(circuit, 'well');
    }
    expect([circuit.stopped, circuit.limit()]).toEqual([undefined, CONCURRENCY]);
  });

  test('ends the run if the pause is longer than ten seconds', () => {
    const short = circuitOf();
    answers(short, { throttledMs: 10_000 });
    expect(short.stopped).toBeUndefined();
    const long = circuitOf();
    answers(long, { throttledMs: 10_001 });
    expect(long.stopped).toBe('throttled');
  });
});

describe('A run', () => {
  test.each(['refused', 'disabled'] as const)('ends with the first response that the endpoint is %s', signal => {
    const circuit = circuitOf();
    answers(circuit, 'well', signal);
    expect(circuit.stopped).toBe(signal);
  });

  test('keeps the first reason why it ended', () => {
    const circuit = circuitOf();
    circuit.stop('interrupted');
    answers(circuit, 'disabled', 'refused', ...times(10, 'failed'), { throttledMs: 60_000 });
    circuit.stop('off');
    expect(circuit.stopped).toBe('interrupted');
  });
});
