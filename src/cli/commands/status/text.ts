import type { ChalkInstance } from 'chalk';
import type { Alarm } from '../../../app/alarms.ts';
import type { StatusReport } from '../../../app/status.ts';
import { shellQuoted } from '../../../core/shell-quoted.ts';
import type {
  BlockedEndpoint,
  FileProgress,
  UnfinishedUpload,
  WaitingDelivery,
} from '../../../core/status/overview.ts';
import { printable } from '../../../core/text.ts';
import { formatDuration } from '../../../core/units.ts';
import { count } from '../../terminal/format.ts';
import { againElsewhere } from '../../text/elsewhere.ts';
import { machineLines } from '../../text/machines.ts';
import { queuedLines, refusalLines } from '../../text/queued.ts';
import { workerText } from '../../text/worker.ts';

type Reported = Extract<StatusReport, { hasState: true }>;

/** Everything that is not done; one or two short lines for each. */
export function statusText(report: StatusReport, paint: ChalkInstance): string[] {
  if (!report.hasState && report.fleet) return ['nothing has been uploaded yet (no state in the database)'];
  if (!report.hasState) return [`nothing has been uploaded from here yet (no state in ${printable(report.stateDir)})`];
  const { overview, now, fleet } = report;
  const { counts, uploads, queued, refused, held, waiting, endpoints, nextAt, worker } = overview;
  const recording = uploads.filter(one => one.state === 'recording');
  const uploading = uploads.filter(one => one.state === 'uploading');
  const partial = uploads.filter(one => one.state === 'partial');
  const next = nextAt === null ? '' : `, next try ${dueText(nextAt, now)}`;
  const recordingPart = counts.recording === 0 ? '' : `${part(counts.recording, 'recording', paint.cyan)}, `;
  const queuedPart = counts.queued === 0 ? '' : `${part(counts.queued, 'queued', paint.yellow)}, `;
  const refusedPart = counts.refused === 0 ? '' : `${part(counts.refused, 'refused', paint.red)}, `;
  return [
    `uploads   ${recordingPart}${part(counts.uploading, 'uploading', paint.cyan)}, ${part(counts.partial, 'partial', paint.yellow)}, ${queuedPart}${refusedPart}${counts.done} done${counts.removed === 0 ? '' : ` (${counts.removed} removed here)`}`,
    `webhooks  ${part(counts.waiting, 'waiting', paint.yellow)}, ${part(counts.held, 'held', paint.red)}, ${counts.delivered} delivered${next}`,
    ...(worker && !fleet ? [`worker    ${workerText(worker, now)}`] : []),
    ...(fleet && fleet.machines.length > 0
      ? ['', paint.bold('machines'), ...machineLines(fleet.machines, { uploads, now, paint })]
      : []),
    ...section('recording', counts.recording, recording, one => uploadLines(one, report), paint.cyan),
    ...section('uploading', counts.uploading, uploading, one => uploadLines(one, report), paint.cyan),
    ...section('partial', counts.partial, partial, one => uploadLines(one, report), paint.yellow),
    ...section('queued', counts.queued, queued, one => queuedLines(one, now), paint.yellow),
    ...section('refused', counts.refused, refused, one => refusalLines(one, now), paint.red),
    ...section('held', counts.held, held, one => deliveryLines(one, now), paint.red),
    ...section('waiting', counts.waiting, waiting, one => deliveryLines(one, now), paint.yellow),
    ...endpoints.map(
      ({ name, reason, since }) =>
        `\nendpoint ${printable(name)} ${printable(reason)}${since === null ? '' : ` for ${formatDuration(now - since)}`}`,
    ),
    ...adviceLines(report, paint),
  ];
}

/** The alarms in one line. */
export function alarmText(alarms: readonly Alarm[]): string {
  return alarms.map(wordsOf).join(', ');
}

function wordsOf(alarm: Alarm): string {
  switch (alarm.kind) {
    case 'held':
      return `${count(alarm.count, 'webhook')} held`;
    case 'no-token':
      return `${count(alarm.count, 'endpoint')} without a token`;
    case 'refused':
      return `${count(alarm.count, 'folder')} refused`;
    case 'partial':
      return `${count(alarm.count, 'upload')} partial`;
    case 'old-queued':
      return `an upload waiting to begin for ${formatDuration(alarm.ageMs)}`;
    case 'old-upload':
      return `an upload unfinished for ${formatDuration(alarm.ageMs)}`;
    case 'old-webhook':
      return `a webhook waiting for ${formatDuration(alarm.ageMs)}`;
  }
}

function part(number: number, what: string, color: (text: string) => string): string {
  return number === 0 ? `0 ${what}` : color(`${number} ${what}`);
}

function section<T>(
  title: string,
  all: number,
  shown: readonly T[],
  lines: (one: T) => string[],
  color: (text: string) => string,
): string[] {
  if (shown.length === 0) return [];
  const more = all - shown.length;
  return ['', color(title), ...shown.flatMap(lines), ...(more > 0 ? [`  … and ${more} more (--limit ${all})`] : [])];
}

function uploadLines(upload: UnfinishedUpload, { now, target }: { now: number; target: string }): string[] {
  const { files, machine, pid, since, error, state } = upload;
  const on = machine === undefined ? '' : `${pid === null ? ',' : ''} on ${printable(machine)}`;
  const by = `${pid === null ? '' : `, by process ${pid}`}${on}`;
  const done = files.filter(file => file.state === 'uploaded').length;
  const known = files.length === 0 ? 'no file yet' : `${done} of ${count(files.length, 'file')}`;
  const age = `for ${formatDuration(Math.max(0, now - since))}`;
  return [
    `  ${printable(upload.id)}  ${known}, ${age}${by}`,
    ...files.filter(file => file.state === 'sending').map(file => `    ${fileText(file)}`),
    ...(error ? [`    ${printable(error.split('\n')[0] ?? '')}`] : []),
    ...(upload.target === target
      ? []
      : [
          `    goes to ${printable(upload.target)}, not to the configured bucket`,
          ...(state === 'partial' ? [`    ${againElsewhere(upload.id, upload.target)}`] : []),
        ]),
    ...(upload.isForeign
      ? [
          `    to replace it, recordupload upload ${shellQuoted(upload.dir)} --force; to upload it under another id, add --id <id> instead; to give it up, recordupload forget ${upload.id}`,
        ]
      : []),
  ];
}

/** `video.mkv: 3 of 7 parts (42 %)` */
export function fileText({ name, state, partsDone, parts }: FileProgress): string {
  if (state !== 'sending') return `${printable(name)}: ${state}`;
  const share = parts === 0 ? '' : ` (${Math.floor((partsDone / parts) * 100)} %)`;
  return `${printable(name)}: ${partsDone} of ${count(parts, 'part')}${share}`;
}

function deliveryLines(delivery: WaitingDelivery, now: number): string[] {
  const { recordingId, endpoint, heldReason, attempts, since, nextAt, error } = delivery;
  const when =
    nextAt === null
      ? `${heldReason}, ${formatDuration(Math.max(0, now - since))} old`
      : `next try ${dueText(nextAt, now)}`;
  return [
    `  ${printable(recordingId)}  to ${printable(endpoint)}, ${count(attempts, 'attempt')}, ${when}`,
    ...(error ? [`    ${printable(error)}`] : []),
  ];
}

/** `due now`, `in 3 min`. */
function dueText(at: number, now: number): string {
  return at <= now ? 'due now' : `in ${formatDuration(at - now)}`;
}

/** By a 410 or an operator: it has to be enabled before anything is sent to it. */
function isDisabled({ reason }: BlockedEndpoint): boolean {
  return reason.startsWith('disabled: ');
}

function adviceLines(report: Reported, paint: ChalkInstance): string[] {
  const { overview, alarms, target, now, fleet } = report;
  const { counts, worker, uploads, queued, waiting, held, endpoints } = overview;
  const stopped = new Set(
    endpoints.filter(one => isDisabled(one) || one.isTokenless || one.isUnconfigured).map(({ name }) => name),
  );
  const disabled = endpoints.filter(
    one => isDisabled(one) && [...waiting, ...held].some(({ endpoint }) => endpoint === one.name),
  );
  // What is not in a list may be anything.
  const all = (count: number, listed: readonly unknown[], helpless: number) =>
    count > listed.length || listed.length > helpless;
  const partial = uploads.filter(one => one.state === 'partial');
  const isElsewhere = (one: { machine?: string | undefined }) =>
    fleet !== undefined && !fleet.sharedFolders && one.machine !== fleet.self;
  const helpless = partial.filter(one => one.target !== target || one.isForeign || isElsewhere(one)).length;
  const unsendable = waiting.filter(one => stopped.has(one.endpoint)).length;
  const gone = new Set(endpoints.filter(one => one.isUnconfigured).map(({ name }) => name));
  const ended = [...held, ...waiting].filter(one => gone.has(one.endpoint));
  const unreleased = held.filter(one => one.heldReason === 'disabled' || gone.has(one.endpoint)).length;
  const isRetried =
    all(counts.partial, partial, helpless) ||
    all(counts.waiting, waiting, unsendable) ||
    (all(counts.queued, queued, queued.filter(isElsewhere).length) && !worker);
  // Where nothing watches, nobody else resumes them.
  const watched = new Set(fleet?.machines.filter(one => one.worker).map(({ name }) => name));
  const left = [...partial.filter(one => one.target === target && !one.isForeign), ...queued].filter(isElsewhere);
  const elsewhere = [...new Set(left.map(one => one.machine ?? ''))].filter(name => !watched.has(name));
  // Without --now, a retry does not send what is not due.
  const isEarly = waiting.some(one => !stopped.has(one.endpoint) && (one.nextAt ?? 0) > now);
  const next = [
    ...(isRetried ? [`recordupload retry${isEarly ? ' --now' : ''}`] : []),
    ...elsewhere.map(name => `recordupload retry on ${printable(name)}`),
    ...(!isRetried && counts.refused > 0 ? ['recordupload retry, once the folders are as they should be'] : []),
    ...disabled.map(({ name }) => `recordupload webhook enable ${printable(name)}, once its URL is right`),
    ...ended
      .slice(0, 1)
      .map(
        one =>
          `recordupload webhook discard ${printable(one.recordingId)} --endpoint ${printable(one.endpoint)}, unless its endpoint is configured again`,
      ),
    ...(all(counts.held, held, unreleased) ? ['recordupload retry --held, once you have fixed the cause'] : []),
  ];
  const old = alarms.filter(one => one.kind.startsWith('old-'));
  return [
    ...(old.length > 0 ? ['', paint.red(`too old: ${alarmText(old)}`)] : []),
    ...(next.length > 0 ? ['', ...next.map(line => `next: ${line}`)] : []),
  ];
}
