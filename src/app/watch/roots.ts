import { resolve } from 'node:path';
import { firstLook } from '../../core/first-look.ts';
import { printable } from '../../core/text.ts';
import { formatDuration } from '../../core/units.ts';
import type { Runtime } from '../runtime.ts';
import { createEars } from './ears.ts';
import { checkRoot, LEVELS, levelsBelow, newRoot, ROOT_EVERY_MS } from './root.ts';
import { type WalkVisitor, walk } from './walk.ts';

/** Finds recordings below folders. */
export interface Roots {
  /**
   * Begins what is due, and does not wait for it.
   * @returns how long nothing will be due, in milliseconds
   */
  pump(): number;
  /** Looks below these folders from now on. */
  replace(roots: readonly string[]): void;
  /** Ends looks under way. */
  close(): Promise<void>;
}

export interface RootsDeps {
  /** The present one. */
  runtime(): Runtime;
  /** A folder with a video; may be called again for the same. */
  onRecording(dir: string): Promise<void>;
  /** A root is there that was not, or is another one now. */
  onBack(): void;
  /** Something is due now. */
  wake(): void;
}

/** How often everything is looked at: where the system tells of changes, and where it does not. */
const LOOK_EVERY_MS = 60_000;
const DEAF_EVERY_MS = 10_000;
/** Looking takes a fifth of the time at most, however many files there are. */
const REST = 4;
const PROGRESS_EVERY_MS = 10_000;
/** Folders with more entries are not listened to: that takes memory for each entry. */
const MOST_ENTRIES = 10_000;
/** About so many are in a recording's folder. */
const RECORDINGS_ENTRIES = 5;
/** How long after a change a folder is looked at. */
const CHANGED_MS = 200;
const MOST_CHANGED = 10_000;
/** A folder that has come may get its files before anybody listens to it. */
const SECOND_LOOK_MS = 1_000;

export function createRoots(given: readonly string[], { runtime, onRecording, onBack, wake }: RootsDeps): Roots {
  let roots = given.map(newRoot);
  const stop = new AbortController();
  /** When folders are looked at, because something in them has changed. */
  const changed = new Map<string, { dueAt: number; isSecond: boolean }>();
  let isAllDue = true;
  let lookAt = 0;
  let checkAt = 0;
  let isDeaf = false;
  const unreadable = new Set<string>();
  const running = new Map<string, Promise<void>>();

  const now = () => runtime().clock.monotonic();
  const warn = (message: string) => runtime().observer({ type: 'warning', message });
  const notice = (message: string) => runtime().observer({ type: 'notice', message });

  const ears = createEars({
    now: () => ({ now: runtime().clock.now(), monotonic: now() }),
    onChange(dir) {
      // A video that grows changes all the time.
      if (changed.get(dir)?.isSecond === false) return;
      if (changed.size < MOST_CHANGED) changed.set(dir, { dueAt: now() + CHANGED_MS, isSecond: false });
      else isAllDue = true;
      wake();
    },
    onDeaf(error) {
      isDeaf = true;
      // The look before may have ended already, and expects to hear of what comes.
      lookAt = Math.min(lookAt, now() + DEAF_EVERY_MS);
      wake();
      const limit = error.code === 'ENOSPC' ? 'max_user_watches' : 'max_user_instances';
      warn(
        `the system has no inotify watches left, so new recordings are found by looking every ${formatDuration(DEAF_EVERY_MS)} (for more: sudo sysctl fs.inotify.${limit}=${error.code === 'ENOSPC' ? 524288 : 1024}, then restart the worker)`,
      );
    },
  });

  /** Runs one of a kind at a time, in the background. */
  const begin = (kind: string, work: () => Promise<void>) => {
    if (running.has(kind)) return;
    const task = work()
      .catch(error => {
        if (!stop.signal.aborted) warn(`looking for recordings failed: ${printable((error as Error).message)}`);
      })
      .finally(() => {
        running.delete(kind);
        wake();
      });
    running.set(kind, task);
  };

  const checkRoots = async () => {
    for (const root of [...roots]) {
      if (!(await checkRoot(root, roots, runtime().observer))) continue;
      // The system tells of changes in a folder, not below a path.
      ears.forget();
      isAllDue = true;
      onBack();
    }
  };

  const visitor = (isNew: boolean, onFolder: () => void): WalkVisitor => ({
    async recording(dir) {
      onFolder();
      ears.hear(dir, { isRecording: true, entries: RECORDINGS_ENTRIES, isNew });
      await onRecording(dir);
    },
    folder(dir, entries) {
      onFolder();
      if (entries <= MOST_ENTRIES) ears.hear(dir, { isRecording: false, entries, isNew });
    },
    unreadable(dir, error) {
      if (unreadable.has(dir) || unreadable.size >= MOST_CHANGED) return;
      unreadable.add(dir);
      warn(`${printable(dir)} cannot be read (${(error as NodeJS.ErrnoException).code ?? error.message})`);
    },
    isLeftOut: dir => roots.some(root => root.dir === dir),
  });

  const lookAtAll = async () => {
    const startedAt = now();
    let folders = 0;
    let sayAt = startedAt + PROGRESS_EVERY_MS;
    let hasSaid = false;
    const count = () => {
      folders++;
      if (now() < sayAt) return;
      sayAt = now() + PROGRESS_EVERY_MS;
      hasSaid = true;
      notice(`looking for recordings: ${folders} folders so far`);
    };
    let isRemote = false;
    try {
      for (const { dir } of [...roots]) {
        if (dir === undefined) continue;
        isRemote ||= (await firstLook(dir)).isRemote;
        await walk(dir, LEVELS, visitor(false, count), stop.signal);
      }
    } finally {
      const tookMs = now() - startedAt;
      const everyMs = isDeaf || isRemote ? DEAF_EVERY_MS : LOOK_EVERY_MS;
      lookAt = now() + Math.max(everyMs, REST * tookMs);
      if (hasSaid)
        notice(
          `looked at ${folders} folders in ${formatDuration(tookMs)}; the next look is in ${formatDuration(lookAt - now())}`,
        );
    }
  };

  const lookAtChanged = async () => {
    for (const [dir, { dueAt, isSecond }] of [...changed]) {
      if (dueAt > now()) continue;
      changed.delete(dir);
      const levels = levelsBelow(dir, roots);
      if (levels === undefined) continue;
      let isEmpty = true;
      const { recording, ...rest } = visitor(true, () => {});
      const found = async (one: string) => {
        isEmpty = false;
        await recording(one);
      };
      await walk(dir, levels, { ...rest, recording: found }, stop.signal);
      if (isEmpty && !isSecond && !changed.has(dir))
        changed.set(dir, { dueAt: now() + SECOND_LOOK_MS, isSecond: true });
    }
  };

  return {
    pump() {
      const at = now();
      if (checkAt <= at) {
        checkAt = at + ROOT_EVERY_MS;
        begin('roots', checkRoots);
      }
      const changedAt = Math.min(...[...changed.values()].map(({ dueAt }) => dueAt));
      if (changedAt <= at) begin('changed', lookAtChanged);
      if ((isAllDue || lookAt <= at) && !running.has('all')) {
        isAllDue = false;
        begin('all', lookAtAll);
      }
      // What is under way rings when it has ended.
      const dues = [checkAt, ...(running.has('all') ? [] : [lookAt]), ...(running.has('changed') ? [] : [changedAt])];
      return Math.max(0, Math.min(...dues) - at);
    },
    replace(next) {
      const before = roots;
      roots = next.map(path => before.find(one => one.path === resolve(path)) ?? newRoot(path));
      checkAt = 0;
      isAllDue = true;
    },
    async close() {
      stop.abort(new Error('closed'));
      await Promise.all([...running.values(), ears.close()]);
    },
  };
}
