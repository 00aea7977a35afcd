import { setImmediate } from 'node:timers/promises';
import { isSystemError } from '../../core/errors.ts';
import { findWriters, type Openness, seesAllWriters } from '../../core/recording/writers.ts';
import { printable } from '../../core/text.ts';
import type { Runtime } from '../runtime.ts';
import { judge, Observation, type Verdict } from './finished.ts';
import { type FolderLook, lookAtFolder, type SeenFile } from './folder-look.ts';
import type { LiveRecordings } from './live.ts';

/** A recording that is not finished yet, as far as anybody can tell. */
interface Candidate {
  observation: Observation;
  /** A recorder handed it over. */
  isEnqueued: boolean;
  /** When it was seen first, on the monotonic clock. */
  since: number;
  /** People were told that it waits. */
  isSaid: boolean;
  /** When to look again, on the monotonic clock. */
  nextAt: number;
  seesWriters: Promise<boolean>;
}

/** A look at a folder, and what follows from it. */
export interface Looked {
  look: FolderLook;
  verdict: Verdict;
}

/** Looks at recordings that are not finished, each as often as it makes sense, until they are. */
export interface Candidates {
  /** Looks at the folder from now on. False: there are too many already; ask again later. */
  add(dir: string, options: { isEnqueued: boolean }): boolean;
  has(dir: string): boolean;
  remove(dir: string): void;
  /**
   * Looks at the folder now.
   * @returns undefined if it is gone
   */
  look(dir: string, options: { isEnqueued: boolean }): Promise<Looked | undefined>;
  /**
   * Looks at those that are due.
   * @returns how long none will be due, in milliseconds
   */
  pump(): Promise<number>;
  readonly size: number;
}

const MOST = 2_000;
const LOOKS_AT_ONCE = 32;
/** A folder that cannot be read, or put into the queue, is looked at again after this long. */
const AGAIN_MS = 5_000;
/** No copy takes that long. */
const STUCK_MS = 600_000;

/**
 * @param runtime the present one
 * @param onFinished called once for each that is finished; the candidate stays until its upload begins
 * @param onFailure gets what `onFinished` fails with
 * @param onGone called for those that are gone, or are no recordings any more
 */
export function createCandidates(
  runtime: () => Runtime,
  live: LiveRecordings,
  {
    onFinished,
    onFailure,
    onGone,
  }: {
    onFinished: (dir: string, verdict: Verdict & { finished: true }) => Promise<void>;
    onFailure: (error: unknown) => void;
    onGone: (dir: string) => void;
  },
): Candidates {
  const candidates = new Map<string, Candidate>();
  const openness = batchedOpenness();

  const make = (dir: string, isEnqueued: boolean): Candidate => ({
    observation: new Observation(),
    isEnqueued,
    since: runtime().clock.monotonic(),
    isSaid: false,
    nextAt: 0,
    seesWriters: seesAllWriters(dir),
  });

  const lookAt = async (dir: string, candidate: Candidate): Promise<Looked | undefined> => {
    const { config, clock } = runtime();
    const look = await lookAtFolder(dir, { extraFiles: config.extraFiles, marker: config.watch.marker });
    if (!look) return undefined;
    const at = { now: clock.now(), monotonic: clock.monotonic() };
    candidate.observation.see(look, at);
    const rules = { settleMs: config.settleMs, quietMs: config.watch.quietMs, isEnqueued: candidate.isEnqueued };
    const verdict = await judge(look, candidate.observation, rules, at, async video =>
      (await candidate.seesWriters) ? openness(video) : 'unknown',
    );
    return { look, verdict };
  };

  /** A program may have left an unfinished file behind: then nothing would ever be said. */
  const sayIfStuck = ({ dir, unfinished }: FolderLook, candidate: Candidate) => {
    const { clock, observer } = runtime();
    if (candidate.isSaid || unfinished === undefined || clock.monotonic() - candidate.since < STUCK_MS) return;
    candidate.isSaid = true;
    const message = `${printable(dir)} is not uploaded: it has ${printable(unfinished)}, which is not finished (remove it if nothing writes it any more)`;
    observer({ type: 'warning', message });
  };

  const turn = async (dir: string, candidate: Candidate) => {
    const { clock } = runtime();
    try {
      const seen = await lookAt(dir, candidate);
      if (candidates.get(dir) !== candidate) return;
      if (!seen) {
        candidates.delete(dir);
        return onGone(dir);
      }
      const { look, verdict } = seen;
      if (!verdict.finished) {
        live.grown(look);
        candidate.nextAt = clock.monotonic() + verdict.dueInMs;
        sayIfStuck(look, candidate);
        return;
      }
      candidate.nextAt = Number.POSITIVE_INFINITY;
      await onFinished(dir, verdict);
    } catch (error) {
      candidate.nextAt = clock.monotonic() + AGAIN_MS;
      // What is wrong with a folder, its upload says, if it stays so.
      if (!isSystemError(error)) onFailure(error);
    }
  };

  return {
    get size() {
      return candidates.size;
    },
    has: dir => candidates.has(dir),
    add(dir, { isEnqueued }) {
      const known = candidates.get(dir);
      if (known) {
        known.isEnqueued ||= isEnqueued;
        known.nextAt = Math.min(known.nextAt, 0);
        return true;
      }
      if (candidates.size >= MOST) return false;
      candidates.set(dir, make(dir, isEnqueued));
      return true;
    },
    remove: dir => {
      candidates.delete(dir);
    },
    async look(dir, { isEnqueued }) {
      const candidate = candidates.get(dir) ?? make(dir, isEnqueued);
      candidate.isEnqueued ||= isEnqueued;
      return await lookAt(dir, candidate);
    },
    async pump() {
      const { clock } = runtime();
      const due = [...candidates].filter(([, { nextAt }]) => nextAt <= clock.monotonic());
      for (let at = 0; at < due.length; at += LOOKS_AT_ONCE) {
        await Promise.all(due.slice(at, at + LOOKS_AT_ONCE).map(([dir, candidate]) => turn(dir, candidate)));
      }
      const nextAt = Math.min(...[...candidates.values()].map(one => one.nextAt));
      return nextAt - clock.monotonic();
    },
  };
}

/** Asks for the writers of all files that are asked for at the same time in one look. */
function batchedOpenness(): (file: SeenFile) => Promise<Openness> {
  let files: SeenFile[] = [];
  let batch: Promise<Map<string, Openness>> | undefined;
  return async file => {
    files.push(file);
    batch ??= (async () => {
      await setImmediate();
      const all = files;
      files = [];
      batch = undefined;
      return await findWriters(all);
    })();
    return (await batch).get(file.path) ?? 'unknown';
  };
}
