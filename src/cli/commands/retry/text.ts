import type { ChalkInstance } from 'chalk';
import { tidiedLines } from '../../../app/cleanup/tidy-up.ts';
import type { RetryReport } from '../../../app/retry.ts';
import type { RetryPlan } from '../../../app/retry-work.ts';
import type { RetriedUpload } from '../../../app/upload-queued.ts';
import type { DeliverReport, DeliveryReport } from '../../../core/delivery/delivery-report.ts';
import { printable } from '../../../core/text.ts';
import { formatDuration } from '../../../core/units.ts';
import { failuresOf } from '../../../core/upload/upload-report.ts';
import { errorText } from '../../failure.ts';
import { count, table } from '../../terminal/format.ts';
import { remadeLines } from '../../text/changes.ts';
import { deliveryLine, nextForWebhook, undelivered } from '../../text/delivery.ts';
import { againElsewhere } from '../../text/elsewhere.ts';
import { removedLine } from '../../text/local.ts';
import { queuedLines, refusalLines } from '../../text/queued.ts';
import { uploadText } from '../../text/upload.ts';

/** What a retry did; the first line sums it up. */
export function retryText(report: RetryReport, paint: ChalkInstance): string[] {
  const { uploads, deliveries, remade, endpoints, held, elsewhere, ofOthers, later, away } = report;
  const removed = removedLine(report.local);
  const tidied = [...(removed === undefined ? [] : [removed]), ...(report.tidied ? tidiedLines(report.tidied) : [])];
  const failed = failedDeliveries(deliveries);
  const left = [
    ...elsewhere.map(one => `${paint.yellow('!')} ${elsewhereText(one)}`),
    ...held.map(delivery => `${printable(delivery.recordingId)}: ${deliveryLine(delivery, paint)}`),
    ...ofOthersLines(ofOthers),
  ];
  const next = [
    ...(failed.length > 0 ? [`next: ${nextForWebhook(failed)}`] : []),
    ...(held.length > 0 ? [`next: ${nextForHeld(held)}`] : []),
  ];
  const stopped = endpoints.reduce((sum, one) => sum + (one.stopped ? one.left : 0), 0);
  const notDue = later - held.length - stopped;
  const nothing =
    away === undefined
      ? `nothing to do${ofOthers.length > 0 ? ' on this machine' : ''}: no unfinished upload, no webhook that is due`
      : 'no unfinished upload on this machine; webhooks wait for the database of the state';
  if (uploads.length === 0 && deliveries.length === 0) {
    return [
      held.length + elsewhere.length > 0 ? leftText(report) : nothing,
      ...tidied,
      ...stopLines(endpoints, paint),
      ...left,
      ...(notDue > 0 ? [notDueText(notDue, away)] : []),
      ...next,
    ];
  }
  return [
    summaryOf(report),
    ...remadeLines(remade),
    ...uploads.flatMap(upload => uploadLines(upload, paint)),
    ...tidied,
    ...undelivered(deliveries).map(delivery => `${printable(delivery.recordingId)}: ${deliveryLine(delivery, paint)}`),
    ...stopLines(endpoints, paint),
    ...(away !== undefined && deliveries.length === 0 && notDue > 0 ? [notDueText(notDue, away)] : []),
    ...left,
    ...[...new Set(next)],
  ];
}

function notDueText(webhooks: number, away: string | undefined): string {
  if (away === undefined) return `${count(webhooks, 'webhook')} not due; next: recordupload retry --list`;
  return `${count(webhooks, 'webhook')} of this machine not sent; next: recordupload retry, once the database is back`;
}

function summaryOf({ uploads, deliveries }: RetryReport): string {
  const sent = deliveries.filter(delivery => delivery.line !== undefined);
  const delivered = sent.filter(delivery => delivery.outcome === 'delivered').length;
  const before = deliveries.filter(({ line, outcome }) => line === undefined && outcome === 'delivered').length;
  const unsent = deliveries.length - sent.length - before;
  const summary = [
    ...(uploads.length > 0
      ? [`${uploads.filter(isFinished).length} of ${count(uploads.length, 'upload')} finished`]
      : []),
    ...(sent.length > 0 ? [`${delivered} of ${count(sent.length, 'webhook')} delivered`] : []),
    ...(before > 0 ? [`${count(before, 'webhook')} delivered already`] : []),
    ...(unsent > 0 ? [`${count(unsent, 'webhook')} not sent`] : []),
  ];
  return summary.join(', ');
}

/** What waits for an operator, counted. */
function leftText({ held, elsewhere }: RetryReport): string {
  return [
    ...(elsewhere.length > 0 ? [`${count(elsewhere.length, 'upload')} into another bucket unfinished`] : []),
    ...(held.length > 0 ? [`${count(held.length, 'webhook')} held`] : []),
  ].join(', ');
}

/** For `--quiet`: the summary, the first recording that needs somebody with the cause, and the next command. */
export function quietLine(report: RetryReport, summary: string): string {
  const { uploads, deliveries, endpoints, held, elsewhere } = report;
  const [delivery] = [...failedDeliveries(deliveries), ...held];
  const [other] = elsewhere;
  const [stopped] = stoppedEndpoints(endpoints);
  const causes = [
    ...uploads.flatMap(upload => causeOfUpload(upload) ?? []),
    ...(other ? [elsewhereText(other)] : []),
    ...(delivery ? [`${delivery.recordingId}: webhook ${delivery.outcome}: ${printable(delivery.detail)}`] : []),
    ...(stopped ? [printable(stopped.detail)] : []),
  ];
  return `recordupload retry: ${[summary, ...causes.slice(0, 1)].join('; ')}; next: recordupload retry --list`;
}

function causeOfUpload(upload: RetriedUpload): string | undefined {
  const [error] = upload.ok ? failuresOf(upload.report) : upload.waits ? [] : [upload.error];
  return error && `${upload.recordingId}: ${printable(error.message)}`;
}

/** What this machine cannot finish: another one of the fleet has the folder. */
function ofOthersLines(uploads: RetryReport['ofOthers']): string[] {
  if (uploads.length > MOST_OF_OTHERS)
    return [`${uploads.length} uploads are unfinished on other machines; next: recordupload status`];
  return uploads.map(({ recordingId, machine }) => {
    const there = printable(machine);
    return `${printable(recordingId)}: unfinished on ${there}, which has its folder; next: recordupload retry on ${there}`;
  });
}

const MOST_OF_OTHERS = 3;

function elsewhereText({ recordingId, target }: RetryReport['elsewhere'][number]): string {
  return `${recordingId}: unfinished in another bucket, ${printable(target)}: ${againElsewhere(recordingId, target)}`;
}

/** A cause that only the configuration removes needs no `--held`: a plain retry sends those webhooks then. */
function nextForHeld(held: readonly DeliveryReport[]): string {
  const disabled = held.find(({ isDisabled }) => isDisabled);
  if (disabled) return `recordupload webhook enable ${printable(disabled.endpoint)}, once its URL is right`;
  const [{ recordingId, endpoint } = { recordingId: '', endpoint: '' }] = held;
  if (held.every(({ isUnconfigured }) => isUnconfigured))
    return `recordupload webhook discard ${printable(recordingId)} --endpoint ${printable(endpoint)}, unless the endpoint is configured again`;
  return held.length === 1
    ? `recordupload retry --held ${printable(recordingId)} once the cause is removed, or recordupload webhook discard ${printable(recordingId)}`
    : `recordupload retry --held once the causes are removed, or recordupload webhook discard <id>`;
}

/** Those that an operator has to know about: not those that other processes send, or that a newer payload replaced. */
export function failedDeliveries(deliveries: readonly DeliveryReport[]): DeliveryReport[] {
  return deliveries.filter(({ outcome }) => !['delivered', 'busy', 'superseded'].includes(outcome));
}

/** Endpoints at which webhooks wait that are due, unless the operator has switched them off. */
export function stoppedEndpoints(endpoints: DeliverReport['endpoints']): DeliverReport['endpoints'] {
  return endpoints.filter(({ stopped, left }) => stopped && stopped !== 'off' && stopped !== 'disabled' && left > 0);
}

function isFinished(upload: RetriedUpload): boolean {
  return upload.ok && upload.report.outcome !== 'partial' && upload.report.outcome !== 'failed';
}

function uploadLines(upload: RetriedUpload, paint: ChalkInstance): string[] {
  if (upload.ok) return uploadText(upload.report, [], paint);
  if (upload.waits) return [`${paint.yellow('…')} ${upload.recordingId}: waits: ${errorText(upload.error)}`];
  return [`${paint.red('✘')} ${upload.recordingId}: ${errorText(upload.error)}`];
}

function stopLines(endpoints: DeliverReport['endpoints'], paint: ChalkInstance): string[] {
  return endpoints
    .filter(endpoint => endpoint.stopped && endpoint.left > 0)
    .map(({ detail, left }) => `${paint.yellow('!')} ${printable(detail)} (${count(left, 'webhook')} waiting)`);
}

/** `--list`: what there is to do. */
export function retryPlanText({ uploads, queue, deliveries }: RetryPlan, now: number): string[] {
  if (uploads.length + queue.length + deliveries.length === 0)
    return ['nothing to do: no unfinished upload, no webhook waiting'];
  const unfinished = table(
    uploads.map(({ id, dir, state, error }) => [`  ${printable(id)}`, state, printable(error ?? ''), printable(dir)]),
  );
  const waiting = table(
    deliveries.map(({ recordingId, endpoint, state, heldReason, attempts, nextAt }) => [
      `  ${printable(recordingId)}`,
      printable(endpoint),
      state === 'held' ? `held (${heldReason})` : nextAt <= now ? 'due' : `due in ${formatDuration(nextAt - now)}`,
      count(attempts, 'attempt'),
    ]),
  );
  const queued = queue.filter(one => one.state === 'waiting');
  const refused = queue.filter(one => one.state === 'refused');
  const isHeld = deliveries.some(({ state }) => state === 'held');
  const isPending = deliveries.some(({ state }) => state === 'pending');
  return [
    ...(unfinished.length > 0 ? ['unfinished uploads:', ...unfinished] : []),
    ...(queued.length > 0 ? ['queued:', ...queued.flatMap(one => queuedLines(one, now))] : []),
    ...(refused.length > 0 ? ['refused:', ...refused.flatMap(one => refusalLines(one, now))] : []),
    ...(waiting.length > 0 ? ['webhooks waiting:', ...waiting] : []),
    ...(unfinished.length > 0 || queue.length > 0 || isPending
      ? [`next: recordupload retry${isPending ? ' --now' : ''}`]
      : []),
    ...(isHeld ? ['next: recordupload status <id> shows why one is held; then recordupload retry --held'] : []),
  ];
}
