import { seededRandom } from '../../core/webhook/support.ts';

const MIB = 1024 * 1024;

/** When a run is struck. Requests are counted from the run's start. */
export type Moment =
  /** So long after the start. */
  | { at: 'time'; afterMs: number }
  /** The n-th request has come in: it is not worked on at all, or worked on and never answered. */
  | { at: 'request'; server: 's3' | 'webhook'; nth: number; side: 'before' | 'after' }
  /** The n-th request has just been answered: whether the client got round to noting that is chance. */
  | { at: 'answer'; nth: number }
  /** So many bytes of the n-th part's body have come in. */
  | { at: 'body'; nth: number; bytes: number };

export type Command = 'upload' | 'retry';

/** One run that does not live to its end. */
export interface Blow {
  command: Command;
  moment: Moment;
  signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT';
  /** The state folder is lost with it. */
  losesState: boolean;
  /** A second process is at the same recording; milliseconds between the two starts. */
  rivalAfterMs: number | undefined;
}

/** What happens in one round; all of it follows from the seed. */
export interface Plan {
  seed: number;
  kind: 'signalled' | 'state lost' | 'two at once';
  files: { 'video.mkv': number; 'thumbnail.jpg': number; 'transcript.txt': number };
  blows: Blow[];
  finish: Command;
  concurrency: number | undefined;
  /** `opaque`: a store that encrypts; what the state does not know cannot be recognised there. */
  etags: 'md5' | 'opaque';
}

/** By seed. Plain kills are `campaign.ts`'s. */
const KINDS: readonly Plan['kind'][] = ['signalled', 'state lost', 'two at once'];

/** Makes the plan of a seed. */
export function makePlan(seed: number): Plan {
  const chance = chanceOf(seed);
  const kind = KINDS[seed % KINDS.length] as Plan['kind'];
  const files = {
    'video.mkv': chance.pick([1, 8 * MIB, 8 * MIB + 1, ...Array.from({ length: 6 }, () => chance.number(9, 40) * MIB)]),
    'thumbnail.jpg': chance.pick([0, 1, chance.number(2, 200_000)]),
    'transcript.txt': chance.pick([0, chance.number(1, 5_000)]),
  };
  // A last part of odd size.
  if (files['video.mkv'] > 9 * MIB) files['video.mkv'] -= chance.number(0, 3) * 77_777;
  const blows = Array.from({ length: chance.number(3, 6) }, () => makeBlow(kind, chance));
  // The first run cannot go on with anything.
  for (const blow of blows.slice(0, 1)) blow.command = 'upload';
  if (kind === 'state lost') {
    files['video.mkv'] = chance.number(20 * MIB, 40 * MIB);
    loseState(blows[chance.number(0, 1)]!, chance);
  }
  return {
    seed,
    kind,
    files,
    blows,
    finish: chance.pick(['upload', 'retry']),
    concurrency: chance.pick(kind === 'state lost' ? [1, 2] : [undefined, 1, 2, 4]),
    // Without the state, and for a rival that goes on at once, only ETags can tell what has arrived.
    etags: ['state lost', 'two at once'].includes(kind) ? 'md5' : chance.pick(['md5', 'md5', 'md5', 'opaque']),
  };
}

function makeBlow(kind: Plan['kind'], chance: Chance): Blow {
  return {
    command: chance.pick(['upload', 'upload', 'retry']),
    moment: makeMoment(chance),
    signal: kind === 'signalled' ? chance.pick(['SIGKILL', 'SIGTERM', 'SIGINT']) : 'SIGKILL',
    losesState: false,
    rivalAfterMs: kind === 'two at once' ? chance.number(0, 300) : undefined,
  };
}

/** Mostly when some parts have arrived: those are worth finding again. */
function loseState(blow: Blow, chance: Chance): void {
  if (chance.number(1, 4) > 1) blow.moment = { at: 'body', nth: chance.number(2, 3), bytes: chance.number(1, 8 * MIB) };
  blow.signal = 'SIGKILL';
  blow.losesState = true;
}

function makeMoment(chance: Chance): Moment {
  const side = chance.pick(['before', 'after'] as const);
  const kind = chance.number(1, 100);
  if (kind <= 25) return { at: 'time', afterMs: chance.number(10, 700) };
  if (kind <= 45) return { at: 'body', nth: chance.number(1, 3), bytes: chance.number(1, 8 * MIB) };
  if (kind <= 65) return { at: 'answer', nth: chance.number(1, 10) };
  if (kind <= 70) return { at: 'request', server: 'webhook', nth: 1, side };
  return { at: 'request', server: 's3', nth: chance.number(1, 12), side };
}

interface Chance {
  /** A whole number; both ends are possible. */
  number(least: number, most: number): number;
  pick<T>(choices: readonly T[]): T;
}

function chanceOf(seed: number): Chance {
  const random = seededRandom(seed);
  const number = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  return { number, pick: choices => choices[number(0, choices.length - 1)]! };
}
