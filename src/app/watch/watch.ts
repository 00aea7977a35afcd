import type { Config } from '../../config/config.ts';
import { AppError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import { BRING_OVER, bringOver } from '../bring-over.ts';
import { completePayloads } from '../complete-payloads.ts';
import { findWork } from '../retry-work.ts';
import type { Runtime } from '../runtime.ts';
import { listen } from '../wake.ts';
import { createAlerts } from './alerts.ts';
import { type Bell, createBell } from './bell.ts';
import { createCandidates } from './candidates.ts';
import { considerFound, type DoneFolders, queueFinished } from './found.ts';
import { createGenerations, type Generations } from './generations.ts';
import { createHouse } from './house.ts';
import { HOUSEKEEPING } from './housekeeping.ts';
import { createLiveRecordings } from './live-recordings.ts';
import { createPulse } from './pulse.ts';
import { createRoom } from './room.ts';
import { createRoots } from './roots.ts';
import type { ServiceManager } from './systemd.ts';
import { createTroubles, type Troubles } from './troubles.ts';
import { createUploads } from './uploads.ts';
import { createWebhooks } from './webhooks.ts';
import { becomeWorker, workerLock } from './worker-lock.ts';

export interface WatchRequest {
  /** Folders to look below; none: those that are configured. */
  roots: readonly string[];
  manager: ServiceManager;
  /**
   * Calls `onAsked` whenever the configuration is to be read again.
   * @returns stops that
   */
  onReload(onAsked: () => void): () => void;
  /** Reads the configuration again. @throws AppError `CONFIG` */
  reload(): Promise<Runtime>;
}

/** The queue is asked this often, whatever was heard. */
const TICK_MS = 2_000;
/** After a failure of the state. */
const PAUSE_MS = 5_000;

/**
 * The worker: finds recordings, uploads them and those of the queue, retries uploads and webhooks when they are due, and
 * tidies up. It works until the runtime's signal aborts; finished parts are kept then.
 * @throws AppError `USAGE` if a root is an empty text, `BUSY` if this state has a worker, `STATE` if the state cannot be
 * opened
 */
export async function watch(request: WatchRequest, given: Runtime): Promise<void> {
  // It would be the working directory: an unset variable in a script must not upload that.
  if (request.roots.includes('')) {
    throw new AppError('USAGE', 'a root is missing: its path is an empty text', {
      hint: 'name the folder; is a variable unset?',
    });
  }
  const { clock, signal } = given;
  const { manager } = request;
  const bell = createBell(clock);
  const { first, release } = await becomeWorker(given, request.reload);
  const troubles: Troubles = createTroubles(() => generations.runtime.observer, clock.monotonic);
  await using generations: Generations = createGenerations(first, troubles.add);
  // Given back before the state is closed.
  await using lock = workerLock(release);
  const rootsOf = ({ config }: Runtime) => (request.roots.length > 0 ? request.roots : config.watch.roots);

  const live = createLiveRecordings(generations, troubles.add);
  const candidates = createCandidates(() => generations.runtime, live, {
    onFinished: async (dir, { by }) => {
      await generations.use(runtime => queueFinished(dir, by, uploads, runtime));
      bell.ring();
    },
    onFailure: troubles.add,
    onGone: dir => void live.gone(dir).catch(troubles.add),
  });
  const uploads = createUploads(generations, {
    candidates,
    live,
    onEnd: bell.ring,
    onFailure: troubles.add,
    onSuccess: troubles.passed,
  });
  const webhooks = createWebhooks(generations, { onEnd: bell.ring, onFailure: troubles.add });
  const house = createHouse([BRING_OVER, HOUSEKEEPING], generations, { onEnd: bell.ring, onFailure: troubles.add });
  const alerts = createAlerts(generations, {
    isWell: () => uploads.unfinished === 0 && webhooks.failing === 0,
    onEnd: bell.ring,
    onFailure: troubles.add,
  });
  const pulse = createPulse(generations);
  const room = createRoom(generations, {
    roots: () => rootsOf(generations.runtime),
    onEnd: bell.ring,
    onFailure: troubles.add,
  });
  const done: DoneFolders = new Map();
  const roots = createRoots(rootsOf(first), {
    runtime: () => generations.runtime,
    async onRecording(dir) {
      if (candidates.has(dir) || uploads.isRunning(dir)) return;
      await generations.use(runtime => considerFound(dir, { candidates, uploads, done }, runtime)).catch(troubles.add);
    },
    onBack: uploads.retrySoon,
    wake: bell.ring,
  });

  const asked = reloads(request, bell);
  const stopListening = listen(first.config.stateDir, bell.ring, () => {});
  const onAbort = () => bell.ring();
  signal.addEventListener('abort', onAbort);
  const beat = heartbeat(manager, clock.monotonic);
  const noticeJump = clockWatch(first);
  await bringOver(first).catch(troubles.add);
  await complete(first).catch(troubles.add);
  first.observer({ type: 'watch-started', roots: rootsOf(first) });
  await manager.tell({ READY: '1', STATUS: 'watching' });
  try {
    while (!signal.aborted) {
      if (asked.take()) await reload();
      noticeJump(generations.runtime);
      const dueInMs = await pass();
      beat(`${count(uploads.running, 'upload')} under way, ${count(candidates.size, 'recording')} not finished`);
      await bell.wait(Math.min(TICK_MS, dueInMs), signal);
    }
  } finally {
    const told = manager.tell({ STOPPING: '1', STATUS: 'saving progress' });
    signal.removeEventListener('abort', onAbort);
    stopListening();
    asked.stop();
    await Promise.all([
      roots.close(),
      live.close(),
      uploads.idle(),
      webhooks.idle(),
      house.idle(),
      room.idle(),
      alerts.idle(),
    ]);
    await told;
  }

  /** Begins all that is due. @returns how long nothing will be, in milliseconds */
  async function pass(): Promise<number> {
    const pumps = [roots.pump, candidates.pump, uploads.pump, webhooks.pump, house.pump, room.pump, alerts.pump];
    let dueInMs = Number.POSITIVE_INFINITY;
    let isWhole = true;
    for (const pump of pumps) {
      if (signal.aborted) return 0;
      try {
        dueInMs = Math.min(dueInMs, await pump());
      } catch (error) {
        if (signal.aborted) return 0;
        isWhole = false;
        troubles.add(error);
        await clock.sleep(PAUSE_MS, signal).catch(() => {});
      }
    }
    if (isWhole) await pulse().catch(troubles.add);
    return Math.max(0, dueInMs);
  }

  async function reload(): Promise<void> {
    await manager.tell({ RELOADING: '1', MONOTONIC_USEC: String(Math.round(clock.monotonic() * 1000)) });
    const { observer, config } = generations.runtime;
    try {
      const next = await request.reload();
      const moved = whatMoved(config, next.config);
      if (moved !== undefined) {
        await next[Symbol.asyncDispose]();
        throw new AppError('CONFIG', moved, { hint: 'restart the worker to change it' });
      }
      await lock.moveTo(next);
      generations.replace(next);
      roots.replace(rootsOf(next));
      webhooks.reset();
      done.clear();
      uploads.retrySoon();
      next.observer({ type: 'notice', message: 'the configuration was read again' });
      await complete(next);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const problems = error.message.replaceAll('\n', '; ');
      const hint = error.hint ? ` (${error.hint})` : '';
      observer({
        type: 'warning',
        message: `the new configuration is refused, the old one goes on: ${problems}${hint}`,
        isLoss: true,
      });
    } finally {
      await manager.tell({ READY: '1' });
    }
  }
}

/** What of the configuration a running worker cannot change; undefined: all of that is the same. */
function whatMoved(before: Config, now: Config): string | undefined {
  if (now.stateDir !== before.stateDir) return `stateDir is ${now.stateDir} now`;
  if (now.stateUrl !== before.stateUrl) return 'stateUrl is another one now';
  return now.machine === before.machine ? undefined : `machine is ${now.machine} now`;
}

/** Sends what waited for an e-mail address that is configured now. */
async function complete(runtime: Runtime): Promise<void> {
  const work = await findWork({ ids: [], now: false, held: false }, runtime);
  await completePayloads(work, { held: false }, runtime);
}

function reloads({ onReload }: WatchRequest, bell: Bell): { take(): boolean; stop(): void } {
  let isAsked = false;
  const stop = onReload(() => {
    isAsked = true;
    bell.ring();
  });
  return {
    take() {
      const was = isAsked;
      isAsked = false;
      return was;
    },
    stop,
  };
}

/** Smaller ones are adjustments. */
const JUMP_MS = 10_000;

/** Says that the wall clock has jumped; all that waits is measured by the other clock, or looked at again. */
function clockWatch({ clock }: Runtime): (runtime: Runtime) => void {
  const offset = () => clock.now() - clock.monotonic();
  let before = offset();
  return ({ observer }) => {
    const jumpedMs = offset() - before;
    if (Math.abs(jumpedMs) < JUMP_MS) return;
    before = offset();
    const where = jumpedMs > 0 ? 'ahead' : 'back';
    observer({ type: 'notice', message: `the clock has jumped ${formatDuration(Math.abs(jumpedMs))} ${where}` });
  };
}

/** Tells the service manager that the worker works, as often as it wants to hear it, and what it does. */
function heartbeat(manager: ServiceManager, now: () => number): (status: string) => void {
  const everyMs = Math.min(manager.watchdogEveryMs ?? 10_000, 10_000);
  let toldAt = Number.NEGATIVE_INFINITY;
  let told = '';
  return status => {
    if (now() - toldAt < everyMs) return;
    toldAt = now();
    const state = {
      ...(manager.watchdogEveryMs !== undefined && { WATCHDOG: '1' }),
      ...(status !== told && { STATUS: status }),
    };
    told = status;
    if (Object.keys(state).length > 0) void manager.tell(state);
  };
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
