import { AppError } from '../../core/errors.ts';
import type { ActionContent, ActionRow } from '../views/model.ts';

type Item = ActionContent['items'][number];

/** What an action says when it has ended. */
export interface Outcome {
  summary: string;
  items: Item[];
}

/** The actions that were asked for here; they go on when their page is closed. */
export interface Jobs {
  /** @returns its number */
  start(job: { title: string; back: string; run(): Promise<Outcome> }): number;
  find(id: number): ActionContent | undefined;
  /** The newest first. */
  newest(limit: number): ActionRow[];
  /** Resolves once all have ended. */
  settled(): Promise<void>;
}

/** Older ones are forgotten. */
const MOST_KEPT = 100;

/** @param onChange called when one begins and ends */
export function openJobs(now: () => number, onChange: () => void): Jobs {
  const jobs = new Map<number, ActionContent>();
  const running = new Set<Promise<void>>();
  let last = 0;
  return {
    start({ title, back, run }) {
      last++;
      const job: ActionContent = {
        id: last,
        title,
        back,
        state: 'running',
        startedAt: now(),
        endedAt: null,
        summary: 'running',
        items: [],
      };
      jobs.set(last, job);
      for (const id of jobs.keys()) if (jobs.size > MOST_KEPT) jobs.delete(id);
      const end = (result: Partial<ActionContent>) => {
        Object.assign(job, result, { endedAt: now() });
        onChange();
      };
      const running_ = run().then(
        ({ summary, items }) => end({ state: items.some(isFailed) ? 'failed' : 'done', summary, items }),
        (error: unknown) => end({ state: 'failed', summary: messageOf(error) }),
      );
      running.add(running_);
      void running_.finally(() => running.delete(running_));
      onChange();
      return last;
    },
    find: id => jobs.get(id),
    newest: limit =>
      [...jobs.values()]
        .reverse()
        .slice(0, limit)
        .map(({ id, title, state, startedAt, endedAt, summary }) => ({
          id,
          title,
          state,
          startedAt,
          endedAt,
          summary,
        })),
    async settled() {
      await Promise.allSettled(running);
    },
  };
}

function isFailed({ outcome }: Item): boolean {
  return outcome === 'failure';
}

/** An error as one text. */
export function messageOf(error: unknown): string {
  if (error instanceof AppError) return error.hint ? `${error.message} (${error.hint})` : error.message;
  return `a bug in recordupload: ${String((error as Error).message ?? error)}`;
}
