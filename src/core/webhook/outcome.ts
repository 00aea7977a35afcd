import { displayUrl, type Redactor } from '../redact.ts';
import { failureAdvice, type SentTo } from './failure-advice.ts';
import type { SettledResult } from './post-result.ts';
import { isWebPage, readAcceptance, readRefusal } from './read-answer.ts';

/** What was sent: the response is judged and explained by it. */
export interface Sent extends SentTo {
  recordingId: string;
}

/**
 * Why a delivery waits for an operator (or, when refused, for a new token or URL). refused: 401 or 403 · rejected:
 * another 4xx or a 3xx · exhausted: the schedule is over · disabled: the endpoint answered 410 · no-email: the payload has no
 * e-mail address yet, so the server could not accept it.
 */
export type HeldReason = 'refused' | 'rejected' | 'exhausted' | 'disabled' | 'no-email';

/** What the result of one attempt means, before the retry schedule applies. Holds no secret that the redactor knows. */
export interface Judgement {
  outcome: 'delivered' | 'pending' | 'held' | 'disabled';
  heldReason?: HeldReason | undefined;
  /** The contract's log line. */
  line: string;
  /** What went wrong and what to do next, in plain words; empty if it was delivered. */
  detail: string;
  /** Only if delivered: whether the server created a recording or updated one. */
  action?: 'created' | 'updated' | undefined;
}

interface Rule extends Pick<Judgement, 'outcome' | 'heldReason'> {
  name: string;
  applies(result: SettledResult, sent: Sent): boolean;
  line(result: SettledResult): string;
}

const AUTHENTICATION_FAILED = '❌ Webhook authentication failed';
const failedWithStatus = (result: SettledResult) =>
  `❌ Webhook failed with status ${result.kind === 'answer' ? result.status : '?'}`;
const status =
  (...codes: number[]) =>
  (result: SettledResult) =>
    result.kind === 'answer' && codes.includes(result.status);
const statusBetween = (from: number, to: number) => (result: SettledResult) =>
  result.kind === 'answer' && result.status >= from && result.status <= to;

/** The policy: the first rule that applies. `pending` goes to the schedule (`backoff.ts`). */
const RULES: readonly Rule[] = [
  {
    name: 'accepted',
    applies: (result, sent) => result.kind === 'answer' && readAcceptance(result, sent.recordingId) !== undefined,
    outcome: 'delivered',
    line: () => '✅ Webhook sent successfully',
  },
  { name: 'timeout', applies: r => r.kind === 'timeout', outcome: 'pending', line: () => '❌ Webhook timeout' },
  {
    name: 'network',
    applies: r => r.kind === 'network',
    outcome: 'pending',
    line: () => '❌ Webhook connection failed',
  },
  { name: 'may pass', applies: status(408, 425, 429), outcome: 'pending', line: failedWithStatus },
  {
    name: 'gone',
    applies: r => status(410)(r) && r.kind === 'answer' && !isWebPage(r),
    outcome: 'disabled',
    heldReason: 'disabled',
    line: failedWithStatus,
  },
  {
    name: 'something before the server refuses: the same webhook may pass once that is set right',
    applies: r => statusBetween(400, 499)(r) && r.kind === 'answer' && readRefusal(r) === undefined,
    outcome: 'pending',
    line: r => (status(401)(r) ? AUTHENTICATION_FAILED : failedWithStatus(r)),
  },
  {
    name: 'refused: the server accepts nothing from here until the token or URL changes',
    applies: status(401),
    outcome: 'held',
    heldReason: 'refused',
    line: () => AUTHENTICATION_FAILED,
  },
  { name: 'forbidden', applies: status(403), outcome: 'held', heldReason: 'refused', line: failedWithStatus },
  // A captive portal or a misconfigured proxy answers 200 to everything: the server does not have the recording.
  { name: 'not the contract', applies: statusBetween(200, 299), outcome: 'pending', line: failedWithStatus },
  {
    name: 'redirect',
    applies: statusBetween(300, 399),
    outcome: 'held',
    heldReason: 'rejected',
    line: failedWithStatus,
  },
  {
    name: 'rejected',
    applies: statusBetween(400, 499),
    outcome: 'held',
    heldReason: 'rejected',
    line: failedWithStatus,
  },
  {
    name: 'server error, or a status outside of HTTP',
    applies: () => true,
    outcome: 'pending',
    line: failedWithStatus,
  },
];

/** Judges the result of one POST by the table above. */
export function judge(result: SettledResult, sent: Sent, redact: Redactor): Judgement {
  const rule = RULES.find(candidate => candidate.applies(result, sent))!;
  const { outcome, heldReason } = rule;
  const accepted = outcome === 'delivered' && result.kind === 'answer' && readAcceptance(result, sent.recordingId);
  return {
    outcome,
    heldReason,
    line: rule.line(result),
    detail:
      outcome === 'delivered' ? '' : redact(failureAdvice(result, { ...sent, url: displayUrl(sent.url) }, redact)),
    action: accepted ? accepted.action : undefined,
  };
}
