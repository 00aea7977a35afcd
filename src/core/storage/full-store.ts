import type { Clock, Random } from '../clock.ts';
import { formatBytes } from '../units.ts';
import type { StorageFailure } from './failure.ts';

/**
 * Holds an upload back while the store is full. More bytes cannot cure that, so all calls that send some wait, and one of
 * them, the probe, tries again after growing pauses. A call is named by any object of its own.
 */
export interface FullStore {
  /** Before a try: waits while the store is full and another call is the probe. @throws what ended the waiting */
  enter(call: object, signal: AbortSignal): Promise<void>;
  /** The store accepted bytes: all uploads continue. */
  opened(): void;
  /**
   * The store has refused bytes because it is full. Resolves when this call may try again.
   * @throws the failure, with how much was sent in vain, once the budget is used up; the signal's reason once it aborts
   */
  refused(call: object, failure: StorageFailure, facts: RefusedCall): Promise<void>;
  /** The call has ended, however it did: if it was the probe, another one takes its place. */
  left(call: object): void;
}

export interface RefusedCall {
  signal: AbortSignal;
  /** How many bytes it had sent in vain. */
  sentBytes: number;
  /** When bytes last arrived, on the monotonic clock. */
  lastProgress: number;
  onPause?: ((failure: StorageFailure, delayMs: number) => void) | undefined;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;

/** A time in which the store is full. */
interface Spell {
  pauses: number;
  vainBytes: number;
  probe: object | undefined;
  waiting: Waiter[];
}

interface Waiter {
  call: object;
  goOn(): void;
  fail(error: unknown): void;
}

/** @param budgetMs how long an upload may go without progress */
export function createFullStore({
  budgetMs,
  clock,
  random,
}: {
  budgetMs: number;
  clock: Clock;
  random: Random;
}): FullStore {
  let spell: Spell | undefined;
  /** Since when nothing was taken. */
  let since: number | undefined;
  /** One upload has waited for the whole budget: the next ones do not. */
  let isGivenUp = false;

  const wait = (at: Spell, call: object, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      signal.throwIfAborted();
      const settle = (how: () => void) => {
        at.waiting = at.waiting.filter(one => one !== waiter);
        signal.removeEventListener('abort', leave);
        how();
      };
      const waiter: Waiter = { call, goOn: () => settle(resolve), fail: error => settle(() => reject(error)) };
      const leave = () => waiter.fail(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
      at.waiting.push(waiter);
    });

  return {
    async enter(call, signal) {
      if (!spell) return;
      spell.probe ??= call;
      if (spell.probe !== call) await wait(spell, call, signal);
    },
    opened() {
      const waiting = spell?.waiting ?? [];
      spell = undefined;
      since = undefined;
      isGivenUp = false;
      for (const waiter of waiting) waiter.goOn();
    },
    async refused(call, failure, { signal, sentBytes, lastProgress, onPause }) {
      const now = clock.monotonic();
      since ??= now;
      spell ??= { pauses: 0, vainBytes: 0, probe: undefined, waiting: [] };
      const mine = spell;
      mine.vainBytes += sentBytes;
      mine.probe ??= call;
      if (mine.probe !== call) return await wait(mine, call, signal);

      const noted = failure.withNote(`${formatBytes(mine.vainBytes)} sent in vain`);
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** mine.pauses++);
      const delayMs = Math.round((0.5 + random() / 2) * longest);
      if (isGivenUp || now + delayMs - Math.max(lastProgress, since) > budgetMs) {
        spell = undefined;
        isGivenUp = true;
        for (const waiter of mine.waiting) waiter.fail(noted);
        throw noted;
      }
      onPause?.(noted.withNote('the upload pauses'), delayMs);
      await clock.sleep(delayMs, signal);
    },
    left(call) {
      if (spell?.probe !== call) return;
      const next = spell.waiting[0];
      spell.probe = next?.call;
      next?.goOn();
    },
  };
}
