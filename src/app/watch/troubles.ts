import { AppError } from '../../core/errors.ts';
import type { Observer } from '../../core/events.ts';

/** What keeps the worker from its work, said once while it lasts. */
export interface Troubles {
  /** Something failed. */
  add(error: unknown): void;
  /** Something worked that may have failed before. */
  passed(): void;
}

/** While it lasts, it is said again after this long. */
const AGAIN_MS = 3_600_000;

/** @param now milliseconds on the monotonic clock */
export function createTroubles(observer: () => Observer, now: () => number): Troubles {
  const said = new Map<string, number>();
  return {
    add(error) {
      const message = messageOf(error);
      const saidAt = said.get(message);
      if (saidAt !== undefined && now() - saidAt < AGAIN_MS) return;
      said.set(message, now());
      observer()({ type: 'warning', message: `${message}; the worker tries again`, isLoss: true });
    },
    passed() {
      if (said.size === 0) return;
      said.clear();
      observer()({ type: 'notice', message: 'the worker works again' });
    },
  };
}

function messageOf(error: unknown): string {
  // Hints say what to do before the command is run again; this one goes on. One cause may keep many things from being
  // stored.
  if (error instanceof AppError) return error.message.replace(/^.* could not be stored: /s, '');
  return `bug in recordupload: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
