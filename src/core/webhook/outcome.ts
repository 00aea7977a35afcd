import { failureAdvice } from './failure-advice.ts';
import { parseObject } from './json-object.ts';
import type { PostResult } from './post-result.ts';
import { displayUrl, type Redactor } from './redact.ts';

type Answer = Extract<PostResult, { kind: 'answer' }>;
/** What a POST came to, unless our own signal ended it. */
export type SettledResult = Exclude<PostResult, { kind: 'aborted' }>;

/** What was sent, for the explanation. */
export interface Sent {
  url: string;
  recordingId: string;
  /** The payload's `user_info.email`. */
  email?: string | undefined;
}

/** Why a delivery waits for an operator (or, when refused, for a new token or URL). */
export type HeldReason = 'refused' | 'rejected' | 'exhausted' | 'disabled';

/** What one try means, before the schedule is asked. Nothing in it carries a secret that the redactor knows. */
export interface Judgement {
  outcome: 'delivered' | 'pending' | 'held' | 'disabled';
  heldReason?: HeldReason | undefined;
  /** The contract's log line. */
  line: string;
  /** Plain words, and what to do next; empty where it was delivered. */
  detail: string;
  /** Delivered only: whether the server made a new recording or updated one it knew. */
  action?: 'created' | 'updated' | undefined;
}

interface Rule extends Pick<Judgement, 'outcome' | 'heldReason'> {
  name: string;
  applies(result: SettledResult, sent: Sent): boolean;
  line(result: SettledResult): string;
}

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
  {
    name: 'refused: nothing from here will be accepted until token or URL change',
    applies: status(401),
    outcome: 'held',
    heldReason: 'refused',
    line: () => '❌ Webhook authentication failed',
  },
  { name: 'forbidden', applies: status(403), outcome: 'held', heldReason: 'refused', line: failedWithStatus },
  { name: 'gone', applies: status(410), outcome: 'disabled', heldReason: 'disabled', line: failedWithStatus },
  { name: 'may pass', applies: status(408, 425, 429), outcome: 'pending', line: failedWithStatus },
  // A captive portal or a misled proxy says 200 to everything; the recording is not known to the server.
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
    name: 'server error, or a status that HTTP does not know',
    applies: () => true,
    outcome: 'pending',
    line: failedWithStatus,
  },
];

/** Reads what one POST came to by the table above. */
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

/** The contract's acceptance: 200 or 201, `"status":"success"`, and the id that was sent; further keys are welcome. */
function readAcceptance(
  answer: Answer,
  recordingId: string,
): { action: 'created' | 'updated' | undefined } | undefined {
  if ((answer.status !== 200 && answer.status !== 201) || answer.truncated) return undefined;
  const body = parseObject(answer.body);
  const id = body?.recording_id;
  const isOurs = (typeof id === 'string' || typeof id === 'number') && String(id) === recordingId;
  if (body?.status !== 'success' || !isOurs) return undefined;
  return { action: body.action === 'created' || body.action === 'updated' ? body.action : undefined };
}
