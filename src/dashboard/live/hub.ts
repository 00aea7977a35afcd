import { type LiveStatus, type LiveStatusReader, openLiveStatus } from '../../app/live-status.ts';
import type { Runtime } from '../../app/runtime.ts';
import { AppError } from '../../core/errors.ts';
import { overviewContent } from '../pages/overview.ts';
import { redacted } from '../redacted.ts';
import type { ActionRow, OverviewContent } from '../views/model.ts';
import { type Rates, watchRates } from './rates.ts';

/** A message to open pages. */
export type HubMessage =
  /** The overview, as JSON text: it is made once for all. */
  | { event: 'overview'; data: string }
  /** Something in the state, or an action, has changed: lists are to be read again. The number of the change. */
  | { event: 'changed'; data: string };

/** Reads the state once for all open pages. */
export interface Hub {
  /** The overview as it was at most a second ago. */
  overview(): Promise<OverviewContent>;
  /** Calls back at each change, at most once a second. @returns ends it */
  subscribe(listener: (message: HubMessage) => void): () => void;
  /** The number of the last change. */
  change(): number;
  /** Says at once that an action has changed. */
  announce(): void;
  close(): Promise<void>;
}

const EVERY_MS = 1_000;
/** With nobody looking, the last hour's throughput alone is kept up. */
const IDLE_EVERY_MS = 15_000;
/** So long, at most, nothing is sent where nothing changes. */
const QUIET_MS = 10_000;
/** Entries of each list on the overview. */
const LIMIT = 50;

/** @param actionsOf the newest actions, for the overview */
export function openHub(
  runtime: Pick<Runtime, 'config' | 'clock' | 'overview' | 'redact'>,
  actionsOf: () => ActionRow[],
): Hub {
  const { clock, redact } = runtime;
  const reader: LiveStatusReader = openLiveStatus(runtime);
  const rates: Rates = watchRates();
  const listeners = new Set<(message: HubMessage) => void>();
  let last: { at: number; content: OverviewContent } | undefined;
  let reading: Promise<OverviewContent> | undefined;
  let sent = { core: '', all: '', at: 0 };
  let changes = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const readNow = async (): Promise<OverviewContent> => {
    const now = clock.now();
    const midnight = new Date(now).setHours(0, 0, 0, 0);
    let live: LiveStatus | undefined;
    let problem: string | null = null;
    try {
      live = await reader.read({ limit: LIMIT, doneSince: midnight, bytesSince: now - 3_600_000 });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      problem = redact(error.hint ? `${error.message} (${error.hint})` : error.message);
    }
    const content: OverviewContent = live
      ? overviewContent(live, rates, { now, actions: actionsOf(), config: runtime.config })
      : { ...(last?.content ?? emptyContent(runtime)), problem };
    last = { at: clock.monotonic(), content };
    return content;
  };

  const read = (): Promise<OverviewContent> => {
    reading ??= readNow().finally(() => {
      reading = undefined;
    });
    return reading;
  };

  const tell = (message: HubMessage) => {
    for (const listener of listeners) listener(message);
  };

  const tick = async () => {
    const content = await read();
    if (listeners.size === 0) return;
    const core = JSON.stringify({ ...content, now: 0, rate: 0, throughput: 0, uploads: content.uploads.map(still) });
    if (core !== sent.core) {
      changes++;
      tell({ event: 'changed', data: String(changes) });
    }
    const all = JSON.stringify({ ...content, now: 0 });
    // A page that hears nothing at all takes the connection for lost.
    const isQuiet = all === sent.all && clock.monotonic() - sent.at < QUIET_MS;
    if (isQuiet) return;
    sent = { core, all, at: clock.monotonic() };
    tell({ event: 'overview', data: JSON.stringify(redacted(content, redact)) });
  };

  const schedule = () => {
    if (isClosed) return;
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        // What cannot be read is said on the page; a bug here must not end the server.
        tick()
          .catch(() => {})
          .finally(schedule);
      },
      listeners.size > 0 ? EVERY_MS : IDLE_EVERY_MS,
    );
    timer.unref();
  };
  schedule();

  return {
    async overview() {
      if (last && clock.monotonic() - last.at < EVERY_MS) return { ...last.content, actions: actionsOf() };
      return await read();
    },
    subscribe(listener) {
      listeners.add(listener);
      if (listeners.size === 1) schedule();
      return () => {
        listeners.delete(listener);
      };
    },
    change: () => changes,
    announce() {
      changes++;
      tell({ event: 'changed', data: String(changes) });
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await reading?.catch(() => {});
      await reader[Symbol.asyncDispose]();
    },
  };
}

/** What of an upload changes lists: not how fast it is. */
function still(upload: OverviewContent['uploads'][number]): object {
  return { ...upload, rate: 0, leftMs: 0, bytes: 0 };
}

function emptyContent({ config }: Pick<Runtime, 'config'>): OverviewContent {
  const nothing: LiveStatus = {
    status: { hasState: false, stateDir: config.stateDir },
    activity: { done: 0, minutes: [] },
    endpoints: [],
  };
  return overviewContent(nothing, watchRates(), { now: Date.now(), actions: [], config });
}
