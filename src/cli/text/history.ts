import type { ChalkInstance } from 'chalk';
import type { Attempt, Delivery } from '../../core/delivery/delivery.ts';
import { printable } from '../../core/text.ts';
import { formatDuration } from '../../core/units.ts';
import { count } from '../terminal/format.ts';
import { formatMoment } from '../terminal/moment.ts';

/** All webhooks of a recording with every attempt, the oldest first. */
export function historyText(
  recordingId: string,
  history: readonly { delivery: Delivery; attempts: readonly Attempt[] }[],
  now: number,
  paint: ChalkInstance,
  { isDamaged = false, machine }: { isDamaged?: boolean; machine?: string | undefined } = {},
): string[] {
  if (history.length === 0)
    return [`no webhook of recording ${recordingId} ${isDamaged ? 'can be read' : 'is known on this machine'}`];
  const uploaded = machine === undefined ? [] : [`recording ${recordingId}, uploaded by ${printable(machine)}`];
  const lines = history.flatMap(({ delivery, attempts }) => [
    `${paint.bold(delivery.webhookId)}  to ${printable(delivery.endpoint)}, made ${formatMoment(delivery.createdAt)}: ${stateText(delivery, now)}`,
    ...attempts.flatMap(attempt => attemptLines(attempt, paint)),
    ...(attempts.length > 0
      ? []
      : [isDamaged && delivery.attempts > 0 ? '  its attempts cannot be read' : '  no attempt yet']),
  ]);
  return [...uploaded, ...lines];
}

function stateText(delivery: Delivery, now: number): string {
  const { state, heldReason, nextAt, settledAt, attempts, endpoint } = delivery;
  const attempted = count(attempts, 'attempt');
  const at = settledAt === null ? '' : ` ${formatMoment(settledAt)}`;
  switch (state) {
    case 'delivered':
      return `delivered${at} after ${attempted}`;
    case 'superseded':
      return `superseded${at} by a newer payload, after ${attempted}`;
    case 'discarded':
      return `discarded${at}, after ${attempted}`;
    case 'held':
      if (heldReason === 'no-email') return `held (no-email)${at}; next: recordupload retry, once user.email is set`;
      if (heldReason === 'disabled')
        return `held (disabled)${at} after ${attempted}; next: recordupload webhook enable ${printable(endpoint)}, once its URL is right`;
      return `held (${heldReason})${at} after ${attempted}; next: recordupload retry --held, once the cause is removed`;
    case 'pending':
      return `${nextAt <= now ? 'due now' : `due in ${formatDuration(nextAt - now)}`}, after ${attempted}`;
  }
}

function attemptLines(attempt: Attempt, paint: ChalkInstance): string[] {
  const { number, at, trigger, outcome, status, error, excerpt, durationMs } = attempt;
  const mark = outcome === 'delivered' ? paint.green('✔') : paint.red('✘');
  const answer = status === null ? 'no answer' : `status ${status}`;
  const first = `  ${mark} ${number}. ${formatMoment(at)}  ${trigger}  ${answer} in ${durationMs < 1000 ? `${Math.round(durationMs)} ms` : formatDuration(durationMs)}  ${outcome}`;
  return [
    first,
    ...(error ? [`       ${printable(error)}`] : []),
    ...(excerpt ? [`       answer: ${printable(excerpt)}`] : []),
  ];
}
