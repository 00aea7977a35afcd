import { WAITS_FOR_DATABASE } from '../core/delivery/deliver-after-upload.ts';
import type { Pace } from '../core/delivery/deliver-to-endpoint.ts';
import { deliverWebhooks, type Selection } from '../core/delivery/deliver-webhooks.ts';
import type { DeliverReport, EndpointReport } from '../core/delivery/delivery-report.ts';
import { AppError } from '../core/errors.ts';
import { inPool } from '../core/pool.ts';
import { afterWork } from './alerts/after-work.ts';
import { bringOver } from './bring-over.ts';
import { type LocalReport, removeLocal } from './cleanup/local.ts';
import { type TidyReport, tidyUp } from './cleanup/tidy-up.ts';
import { completePayloads, type RemadeWebhook } from './complete-payloads.ts';
import { foldersAtOnce } from './descriptors.ts';
import { findUnconfigured } from './endpoints.ts';
import { finishUpload } from './finish-upload.ts';
import { findLeft, type LeftForOperator } from './retry-left.ts';
import { findWork, type RetryRequest, type Work } from './retry-work.ts';
import type { Runtime } from './runtime.ts';
import { postpone, type RetriedUpload, uploadQueued } from './upload-queued.ts';

export interface RetryReport extends DeliverReport, LeftForOperator {
  uploads: RetriedUpload[];
  /** Held webhooks whose payloads say something else now. */
  remade: RemadeWebhook[];
  /** Endpoints that are no longer configured, with how many webhooks wait for each. */
  unconfigured: { endpoint: string; count: number }[];
  /** How many webhooks are not due or held, after all this. */
  later: number;
  /** Why the fleet's database could not be asked, so that only this machine's own work was done; undefined: it was. */
  away: string | undefined;
  /** Local files that were removed or kept (`deleteAfter`). */
  local: LocalReport;
  /** What was removed from the state and the bucket; undefined: that was not due. */
  tidied: TidyReport | undefined;
}

/** Unfinished recordings that are uploaded at the same time; they share connections and bandwidth. */
const UPLOADS_AT_ONCE = 32;

/**
 * One pass of the worker, for all that there is to do: finishes unfinished uploads, begins those of the queue, and sends
 * webhooks that are due, both at the same time: no webhook waits for an upload, except those of the recording itself,
 * whose payload the upload replaces. They are sent as soon as it has ended. Then it removes local files whose time has
 * come, and tidies up if that is due.
 * @throws AppError `USAGE`, `CONFIG`, `STATE`; the signal's reason if it aborts before all uploads have ended
 */
export async function retry(request: RetryRequest, runtime: Runtime): Promise<RetryReport> {
  await bringOver(runtime);
  const work = await findWork(request, runtime);
  const remade = await completePayloads(work, { held: request.held }, runtime);
  const unconfigured = await findUnconfigured(runtime);
  const reports: DeliverReport[] = [];
  // All deliveries to an endpoint share its pace: if it is dead, it gets three requests in this run, not three for each
  // recording.
  const paces = new Map<string, Pace>();
  const deliver = async (selection: Partial<Selection>, signal: AbortSignal) => {
    const deps = { ...(await runtime.delivery()), signal, paces };
    const due = request.now || request.held ? 'now' : 'due';
    const { held, endpoints } = { held: request.held, endpoints: work.endpoints };
    reports.push(await deliverWebhooks({ due, held, trigger: 'retry', endpoints, ...selection }, deps));
  };

  let uploads: RetriedUpload[] = [];
  const flows = [
    (signal: AbortSignal) => sendDue(work, runtime, selection => deliver(selection, signal)),
    async (signal: AbortSignal) => {
      uploads = await finishUploads(work, runtime, signal, deliver);
    },
  ];
  await inPool(flows, { atOnce: flows.length, signal: runtime.signal }, (flow, signal) => flow(signal));
  if (uploads.length < work.unfinished.length + work.queue.length) runtime.signal.throwIfAborted();

  const local = await removeLocal({ ids: work.ids, dryRun: false }, runtime);
  const isWholePass = work.ids.length === 0 && request.endpoint === undefined;
  const tidied = isWholePass ? await tidyUp(runtime) : undefined;
  const { outbox, away } = await runtime.state();
  const waiting = await outbox.waiting();
  const whyAway = away?.();
  // Deliveries that were not sent matter only if the caller named the recordings.
  const deliveries = reports
    .flatMap(one => one.deliveries)
    .filter(one => work.ids.length > 0 || one.line !== undefined);
  const done = new Set(deliveries.map(({ webhookId }) => webhookId));
  const endpoints = mergeEndpoints(reports.flatMap(one => one.endpoints));
  const isGood = uploads.every(({ ok }) => ok) && endpoints.every(({ stopped }) => stopped === undefined);
  await afterWork({ kind: 'pass', isGood }, runtime);
  const { causes, ...left } = await findLeft({ ids: work.ids, endpoint: request.endpoint, done }, runtime);
  return {
    ...left,
    uploads,
    remade,
    // The state knows why one is held that this run did not send.
    deliveries: deliveries.map(one =>
      one.outcome === 'held' && one.line === undefined
        ? { ...one, detail: causes.get(one.webhookId) ?? one.detail }
        : one.outcome === 'busy' && whyAway !== undefined
          ? { ...one, outcome: 'pending' as const, detail: WAITS_FOR_DATABASE }
          : one,
    ),
    endpoints,
    unconfigured,
    later: waiting.reduce((sum, one) => sum + one.count, 0),
    away: whyAway,
    local,
    tidied,
  };
}

/** Sends what is due, but for the recordings that are being uploaded. */
async function sendDue(
  { ids, unfinished }: Work,
  runtime: Runtime,
  deliver: (selection: Partial<Selection>) => Promise<void>,
): Promise<void> {
  const { outbox } = await runtime.state();
  // The webhook client is loaded only if something may have to be sent. A token that was refused may have been corrected.
  const isIdle = (await outbox.list({ states: ['pending', 'held'], limit: 1 })).length === 0;
  if (isIdle && !(await outbox.nextDue()).some(one => 'refusedAt' in one)) return;
  if (ids.length > 0) {
    const recordingIds = ids.filter(id => !unfinished.some(one => one.id === id));
    if (recordingIds.length > 0) await deliver({ recordingIds });
    return;
  }
  const except = new Set<number>();
  for (const { id } of unfinished) {
    for (const { seq } of await outbox.list({ recordingId: id, states: ['pending', 'held'] })) except.add(seq);
  }
  await deliver({ except });
}

/** Finishes uploads, several at once, and sends the webhooks of each as soon as it has ended. */
async function finishUploads(
  { unfinished, queue }: Work,
  runtime: Runtime,
  signal: AbortSignal,
  deliver: (selection: Partial<Selection>, signal: AbortSignal) => Promise<void>,
): Promise<RetriedUpload[]> {
  const tasks = [
    ...unfinished.map(stored => (runtime: Runtime) => finishUpload(stored, runtime)),
    ...queue.map(entry => (runtime: Runtime) => uploadQueued(entry, runtime)),
  ];
  if (tasks.length === 0) return [];
  const { outbox } = await runtime.state();
  // Without access keys nothing can be uploaded; this says so once.
  const handedOver = queue.filter(({ origin }) => origin !== 'upload');
  await runtime.uploads().catch(async (error: unknown) => {
    if (error instanceof AppError && error.code === 'CONFIG')
      await Promise.all(handedOver.map(entry => postpone(entry, error, { isGone: false }, runtime)));
    throw error;
  });
  return await inPool(tasks, { atOnce: foldersAtOnce(UPLOADS_AT_ONCE), signal }, async (finish, signal) => {
    const upload = await finish({ ...runtime, signal });
    const { recordingId } = upload;
    const waiting = await outbox.list({ recordingId, states: ['pending', 'held'], limit: 1 });
    if (waiting.length > 0) await deliver({ recordingIds: [recordingId] }, signal);
    return upload;
  });
}

/** One report for each endpoint, of all that was sent to it. */
function mergeEndpoints(reports: readonly EndpointReport[]): EndpointReport[] {
  return [...Map.groupBy(reports, ({ endpoint }) => endpoint)].map(([endpoint, own]) => {
    const sum = (number: (report: EndpointReport) => number) => own.reduce((total, one) => total + number(one), 0);
    const { stopped, detail } = own.find(one => one.stopped !== undefined) ?? { stopped: undefined, detail: '' };
    return {
      endpoint,
      sent: sum(one => one.sent),
      left: sum(one => one.left),
      busy: sum(one => one.busy),
      stopped,
      detail,
    };
  });
}
