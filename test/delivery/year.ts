import { deliverWebhooks } from '../../src/core/delivery/deliver-webhooks.ts';
import type { PostResult } from '../../src/core/webhook/post-result.ts';
import { openTemporaryDatabase } from '../../src/state/sqlite/database.ts';
import { stateOver } from '../../src/state/sqlite/sqlite-state.ts';
import { endpointAt, enqueue, seededRandom, virtualClock } from '../core/webhook/support.ts';

const HOUR_MS = 3_600_000;
const YEAR_HOURS = 365 * 24;

/** What a year in which nothing answers well, and cron comes every hour, did to deliveries. */
export interface YearOfOutages {
  posts: number;
  /** Each state, or why it is held, that occurs in the end. */
  states: string[];
  /** How many last tries fell on each hour that had any. */
  lastTries: number[];
}

/** Lets a year pass on a virtual clock. */
export async function passYear(deliveries: number): Promise<YearOfOutages> {
  // In memory: durability is another test's subject.
  const database = await openTemporaryDatabase();
  const state = stateOver(database, { pid: process.pid });
  try {
    await Promise.all(Array.from({ length: deliveries }, (_, index) => enqueue(state, index + 1)));
    let posts = 0;
    const failure: PostResult = {
      kind: 'answer',
      status: 500,
      body: '',
      contentType: undefined,
      truncated: false,
      retryAfter: undefined,
      date: undefined,
      location: undefined,
      timings: { total: 1 },
    };
    const clock = virtualClock();
    const deps = {
      state,
      endpoints: [endpointAt('http://127.0.0.1:1/')],
      post: async () => {
        posts++;
        return failure;
      },
      clock,
      random: seededRandom(),
      observer: () => {},
      concurrency: 512,
      coldFailures: Number.POSITIVE_INFINITY,
    };
    for (let hour = 0; hour < YEAR_HOURS; hour++, clock.advance(HOUR_MS)) {
      await deliverWebhooks({ due: 'due', held: false, trigger: 'retry' }, deps);
    }
    const states = new Set((await state.outbox.list({})).map(one => one.heldReason ?? one.state));
    const lastTries = await database.read(sql =>
      sql.all('SELECT COUNT(*) AS tries FROM attempts WHERE number = 10 GROUP BY at').map(({ tries }) => Number(tries)),
    );
    return { posts, states: [...states], lastTries };
  } finally {
    await state.close();
  }
}
