import { AppError } from '../../core/errors.ts';
import { targetOf } from '../../core/storage/target.ts';
import { formatBytes } from '../../core/units.ts';
import type { AbandonedUpload } from '../../core/upload/clean-up-uploads.ts';
import type { Runtime } from '../runtime.ts';
import { prune } from './state.ts';
import { cleanUp } from './uploads.ts';

/** What was tidied up, beside local files. */
export interface TidyReport {
  /** Old delivered or superseded webhooks that were removed from the state. */
  webhooks: number;
  /** By how much the state shrank on disk. */
  freedBytes: number;
  /** Abandoned multipart uploads that were removed from the bucket. */
  uploads: AbandonedUpload[];
  /** Why some of it could not be done; the next pass tries again. */
  problems: string[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** As `cleanup state` and `cleanup uploads` do unless they are asked otherwise. */
const SETTLED_FOR_MS = 90 * DAY_MS;
const ABANDONED_FOR_MS = 7 * DAY_MS;
const EVERY_MS = DAY_MS;
const AFTER_FAILURE_MS = HOUR_MS;
/** A bucket that cannot be reached is asked again in an hour; `retry` must not wait for it. */
const PATIENCE_MS = 2_000;

/**
 * Tidies up if nobody has done so for a day: removes old delivered webhooks from the state, and multipart uploads that
 * this machine has abandoned from the bucket. What goes wrong is in the report; it never fails a pass.
 * @returns undefined: it was not due
 * @throws the signal's reason
 */
export async function tidyUp(runtime: Runtime): Promise<TidyReport | undefined> {
  const { clock, observer, signal } = runtime;
  const report: TidyReport = { webhooks: 0, freedBytes: 0, uploads: [], problems: [] };
  const orProblem = async (work: () => Promise<void>, what: string) => {
    try {
      await work();
    } catch (error) {
      if (signal.aborted || !(error instanceof AppError)) throw error;
      const problem = `${what}: ${error.message}`;
      report.problems.push(problem);
      observer({ type: 'warning', message: problem });
    }
  };
  let isDue = false;
  await orProblem(async () => {
    const { housekeeping } = await runtime.state();
    isDue = await housekeeping.takeTurn({ everyMs: EVERY_MS, againMs: AFTER_FAILURE_MS, now: clock.now() });
  }, 'the state was not tidied up');
  if (!isDue) return report.problems.length > 0 ? report : undefined;

  await orProblem(async () => {
    const { deliveries, freedBytes } = await prune({ olderThanMs: SETTLED_FOR_MS, dryRun: false }, runtime);
    Object.assign(report, { webhooks: deliveries, freedBytes });
  }, 'the state was not tidied up');
  await orProblem(async () => {
    if (!(await mayHaveAbandoned(runtime))) return;
    const request = { olderThanMs: ABANDONED_FOR_MS, elsewhere: false, remove: true, patienceMs: PATIENCE_MS };
    report.uploads = (await cleanUp(request, runtime)).uploads;
  }, 'abandoned uploads were not looked for');
  if (report.problems.length === 0) {
    await orProblem(
      async () => (await runtime.state()).housekeeping.noteTidied(clock.now()),
      'the state was not tidied up',
    );
  }
  return report;
}

/** Whether the bucket has to be asked at all: only what the state says was begun here, long ago, can be ours to remove. */
async function mayHaveAbandoned({ config, clock, state }: Runtime): Promise<boolean> {
  const { journal } = await state();
  const target = targetOf(config);
  const old = (await journal.begunUploads(target)).filter(({ begunAt }) => clock.now() - begunAt >= ABANDONED_FOR_MS);
  if (old.length === 0) return false;
  const open = await journal.openUploadIds(target);
  return old.some(({ uploadId }) => !open.has(uploadId));
}

/** What was tidied up, one line for each kind; empty: nothing. */
export function tidiedLines({ webhooks, freedBytes, uploads }: Omit<TidyReport, 'problems'>): string[] {
  const freed = freedBytes > 0 ? ` (it is ${formatBytes(freedBytes)} smaller)` : '';
  const bytes = uploads.reduce((sum, upload) => sum + (upload.bytes ?? 0), 0);
  return [
    ...(webhooks > 0 || freedBytes > 0
      ? [`removed ${plural(webhooks, 'old delivered webhook')} from the state${freed}`]
      : []),
    ...(uploads.length > 0
      ? [`removed ${plural(uploads.length, 'abandoned upload')} (${formatBytes(bytes)}) from the bucket`]
      : []),
  ];
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
