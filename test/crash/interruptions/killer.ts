import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import type { Run } from './machine.ts';
import type { Moment } from './plan.ts';

const LOOK_EVERY_MS = 2;
/** No run takes that long: one that does hangs. */
const HANGS_AFTER_MS = 90_000;
/** What the server needs at most to work on a request that it will not answer. */
const WORKED_ON_MS = 100;

interface Trigger {
  /** Whether the moment has come. */
  isReached(elapsedMs: number): boolean;
  remove(): void;
}

/**
 * Sets up the moment; to be called before the run starts, so that none of its requests is missed.
 * @param hangs how many requests are left hanging where the moment is a request
 */
export function armed(moment: Moment, sandbox: Sandbox, hangs = Number.POSITIVE_INFINITY): Trigger {
  const { s3, faults } = sandbox;
  const seen = s3.requests().length;
  const requests = () => s3.requests().slice(seen);
  switch (moment.at) {
    case 'time':
      return { isReached: elapsedMs => elapsedMs >= moment.afterMs, remove() {} };
    case 'answer':
      return { isReached: () => requests().filter(({ status }) => status !== null).length >= moment.nth, remove() {} };
    case 'body': {
      const parts = () => requests().filter(({ operation }) => operation === 'UploadPart');
      return { isReached: () => (parts()[moment.nth - 1]?.bodyBytes ?? 0) >= moment.bytes, remove() {} };
    }
    case 'request': {
      const { server, nth, side } = moment;
      // Without an answer the client cannot get past this request before it dies.
      const fault = faults.add({ server, from: nth, times: hangs, action: { hang: side } });
      let hitAt: number | undefined;
      return {
        isReached(elapsedMs) {
          if (fault.hits() > 0) hitAt ??= elapsedMs;
          return hitAt !== undefined && (side === 'before' || elapsedMs - hitAt >= WORKED_ON_MS);
        },
        remove: () => fault.remove(),
      };
    }
  }
}

/** The same moment, but not as early as that. */
export function notBefore(earliestMs: number, { isReached, remove }: Trigger): Trigger {
  return { isReached: elapsedMs => isReached(elapsedMs) && elapsedMs >= earliestMs, remove };
}

/** What became of the run: it was struck, it had ended before, or it never would have. */
export type Fate = 'struck' | 'ended' | 'hung';

/** Waits for the moment and strikes, unless the run ends before. */
export async function strike(run: Run, trigger: Trigger, signal: NodeJS.Signals): Promise<Fate> {
  const startedAt = performance.now();
  while (!run.hasEnded()) {
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs > HANGS_AFTER_MS) {
      run.kill('SIGKILL');
      return 'hung';
    }
    if (trigger.isReached(elapsedMs)) {
      run.kill(signal);
      return 'struck';
    }
    await sleep(LOOK_EVERY_MS);
  }
  return 'ended';
}

/** Lets a run end by itself; one that hangs is killed. */
export function letEnd(run: Run): Promise<Fate> {
  return strike(run, { isReached: () => false, remove() {} }, 'SIGKILL');
}
