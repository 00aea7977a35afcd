import type { FaultRule, S3Operation } from '../../src/sandbox/sandbox.ts';
import { type Dice, dice } from './dice.ts';

const MIB = 1024 * 1024;

/** When a run is killed. */
export type KillMoment =
  /** So long after its start. */
  | { when: 'time'; afterMs: number }
  /** When a server has the n-th request (of an operation) of the run: not processed, or processed and never answered. */
  | { when: 'request'; server: 's3' | 'webhook'; operation?: S3Operation; nth: number; side: 'before' | 'after' }
  /** When so many bytes of the n-th part of the run have come in. */
  | { when: 'mid-body'; nth: number; bytes: number };

/** One recording's story: what it is, how often and when its upload is killed, and how it is finished. */
export interface Scenario {
  seed: number;
  files: Record<string, number>;
  kills: KillMoment[];
  /** After a kill. */
  next: ('upload' | 'retry')[];
  concurrency: number | undefined;
  /** ETags that are no MD5s: parts whose answer was lost cannot be known again. */
  etags: 'md5' | 'opaque';
  /** What the store does wrong on the way; nothing of such a request is processed. */
  faults: FaultRule[];
  /**
   * How late the server processes each payload, in milliseconds: a later one may overtake an earlier one. Each run has a
   * title of its own then. None: all at once, and one title.
   */
  lateMs: number[];
}

const WRITES: S3Operation[] = ['PutObject', 'CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'];
const VIDEO_SIZES = [1, 100_000, 8 * MIB, 8 * MIB + 1, 12 * MIB, 17 * MIB, 25 * MIB, 33 * MIB];

/** Makes the scenario of a seed. */
export function makeScenario(seed: number): Scenario {
  const chance = dice(seed);
  const kills = Array.from({ length: chance.number(2, 5) }, () => killMoment(chance));
  // Every sixth round is about the order of payloads: at least one of its kills is while the server has one.
  const isLate = seed % 6 === 0;
  if (isLate) kills[chance.number(0, kills.length - 1)] = { when: 'request', server: 'webhook', nth: 1, side: 'after' };
  const isFaulty = seed % 2 === 0;
  return {
    seed,
    lateMs: isLate ? latenesses(chance) : [],
    faults: isFaulty ? Array.from({ length: chance.number(1, 4) }, () => storeFault(chance)) : [],
    files: {
      'video.mkv': isLate ? chance.number(1, 200_000) : chance.pick(VIDEO_SIZES),
      'thumbnail.jpg': chance.number(1, 200_000),
      'transcript.txt': chance.pick([0, 0, 1, 5_000]),
    },
    kills,
    next: kills.map(() => chance.pick(['upload', 'retry'])),
    concurrency: chance.pick([undefined, 1, 2, 4]),
    etags: chance.pick(['md5', 'md5', 'md5', 'opaque']),
  };
}

/** The first is late, so that it can arrive after the next one. */
function latenesses(chance: Dice): number[] {
  const late = () => chance.number(8_000, 20_000);
  return [late(), ...Array.from({ length: 9 }, () => (chance.random() < 0.5 ? 0 : late()))];
}

const BUSY = { status: 503, code: 'SlowDown' };

function storeFault(chance: Dice): FaultRule {
  const action = chance.pick<FaultRule['action']>([{ answer: BUSY }, { drop: 'before' }]);
  const operation = chance.pick<S3Operation>([...WRITES, 'HeadObject', 'ListParts']);
  return { server: 's3', operation, from: chance.number(1, 6), times: chance.number(1, 2), action };
}

function killMoment(chance: Dice): KillMoment {
  const kind = chance.random();
  if (kind < 0.25) return { when: 'time', afterMs: chance.number(0, 600) };
  if (kind < 0.4) return { when: 'mid-body', nth: chance.number(1, 4), bytes: chance.number(1, 8 * MIB) };
  const side = chance.pick(['before', 'after'] as const);
  if (kind < 0.5) return { when: 'request', server: 'webhook', nth: 1, side };
  if (kind < 0.65) return { when: 'request', server: 's3', nth: chance.number(1, 15), side };
  const operation = chance.pick(WRITES);
  const nth = operation === 'UploadPart' || operation === 'PutObject' ? chance.number(1, 3) : 1;
  return { when: 'request', server: 's3', operation, nth, side };
}
