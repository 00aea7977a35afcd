import type { Clock, Random } from '../clock.ts';
import type { Observer } from '../events.ts';
import { displayUrl, type Redactor } from '../redact.ts';
import { parseRetryAfter } from '../retry-after.ts';
import type { Endpoint } from '../webhook/endpoint.ts';
import { parseObject } from '../webhook/json-object.ts';
import { type Judgement, judge } from '../webhook/outcome.ts';
import type { PostResult, PostWebhook, SettledResult } from '../webhook/post-result.ts';
import { nextTry } from './backoff.ts';
import type { Signal } from './circuit.ts';
import type { Consequence, DeliveryClaims, NextState } from './claims.ts';
import type { ClaimedDelivery, Trigger } from './delivery.ts';
import type { DeliveryReport } from './delivery-report.ts';
import { mayArriveUntil } from './in-flight.ts';
import { fingerprintOf } from './refusal.ts';

export interface SendDeps {
  post: PostWebhook;
  clock: Clock;
  random: Random;
  observer: Observer;
  signal: AbortSignal | undefined;
  /** Knows the endpoint's secrets. */
  redact: Redactor;
  claims: Pick<DeliveryClaims, 'settle'>;
  /** Of what the endpoint refused before: whoever compares a token with all of it hashes it once. */
  refusalSalt?: string | undefined;
}

/** How one try ended; `signal`: what it says about the endpoint. */
export interface SentDelivery {
  report: DeliveryReport;
  signal: Signal | undefined;
}

/** A judgement with what follows from it by the schedule. */
interface Verdict extends Judgement {
  next: NextState;
  retryAfterMs: number | undefined;
}

/**
 * One try of a claimed delivery: POSTs it, judges the response, stores both, announces the outcome. Everything that leaves
 * this function is redacted.
 * @throws AppError `STATE` if the outcome could not be stored (the server may have received it; it will be sent again)
 */
export async function sendDelivery(
  delivery: ClaimedDelivery,
  endpoint: Endpoint,
  trigger: Trigger,
  deps: SendDeps,
): Promise<SentDelivery> {
  const { clock, observer, redact } = deps;
  const { recordingId, webhookId } = delivery;
  const ids = { recordingId, endpoint: endpoint.name, webhookId };
  observer({ type: 'webhook-sending', ...ids, url: displayUrl(endpoint.url), trigger });
  const at = clock.now();
  const startedAt = clock.monotonic();
  const result = await deps.post({
    url: endpoint.url,
    token: endpoint.token,
    secrets: endpoint.secrets,
    webhookId,
    body: delivery.payload,
    timestampSeconds: Math.floor(at / 1000),
    signal: deps.signal,
  });
  const now = clock.now();
  const durationMs = Math.round(clock.monotonic() - startedAt);
  const tried = { trigger, at, durationMs };

  if (result.kind === 'aborted') {
    const error = 'interrupted before the server answered';
    await deps.claims.settle({
      delivery,
      now,
      mayArriveUntil: mayArriveUntil(result, at, now),
      attempt: { ...tried, outcome: 'interrupted', status: null, error, excerpt: null },
    });
    return { report: { ...ids, outcome: 'interrupted', detail: error, durationMs }, signal: undefined };
  }

  const verdict = decide(result, delivery, endpoint, redact, now, deps.random);
  const { detail } = verdict;
  const status = result.kind === 'answer' ? result.status : undefined;
  const excerpt = result.kind === 'answer' ? redact.excerpt(result.body, { truncated: result.truncated }) : null;
  await deps.claims.settle({
    delivery,
    now,
    next: verdict.next,
    mayArriveUntil: mayArriveUntil(result, at, now),
    attempt: { ...tried, outcome: verdict.outcome, status: status ?? null, error: detail || null, excerpt },
    consequence: await consequenceOf(verdict, result, endpoint, deps.refusalSalt),
  });
  const { outcome, line } = verdict;
  observer({ type: 'webhook-answered', ...ids, line, outcome, status, durationMs, ...(detail ? { detail } : {}) });
  const nextAt = verdict.next.state === 'pending' ? verdict.next.nextAt : undefined;
  return {
    report: { ...ids, outcome, action: verdict.action, status, line, detail, nextAt, durationMs },
    signal: signalOf(verdict, result),
  };
}

/** Judges the response by the table of outcomes; what may pass then follows the schedule. */
function decide(
  result: SettledResult,
  delivery: ClaimedDelivery,
  endpoint: Endpoint,
  redact: Redactor,
  now: number,
  random: Random,
): Verdict {
  const judgement = judge(
    result,
    { url: endpoint.url, endpoint: endpoint.name, tokenFrom: endpoint.tokenFrom, ...identify(delivery) },
    redact,
  );
  const retryAfterMs = result.kind === 'answer' ? parseRetryAfter(result.retryAfter, result.date, now) : undefined;
  const { retries } = delivery;
  if (judgement.outcome === 'delivered') return { ...judgement, retryAfterMs, next: { state: 'delivered' } };
  if (judgement.outcome !== 'pending') {
    const heldReason = judgement.heldReason ?? 'rejected';
    return { ...judgement, retryAfterMs, next: { state: 'held', heldReason, retries } };
  }
  const next = nextTry(retries, retryAfterMs, now - delivery.createdAt, random);
  if (!next.exhausted) {
    return { ...judgement, retryAfterMs, next: { state: 'pending', nextAt: now + next.waitMs, retries: next.retries } };
  }
  return {
    ...judgement,
    outcome: 'held',
    heldReason: 'exhausted',
    detail: `${judgement.detail}; it has been tried ${delivery.attempts + 1} times and waits for "recordupload retry --held" now`,
    retryAfterMs,
    next: { state: 'held', heldReason: 'exhausted', retries: next.retries },
  };
}

/** What a response means for the whole endpoint; stored together with the try. */
async function consequenceOf(
  verdict: Verdict,
  result: PostResult,
  endpoint: Endpoint,
  salt: string | undefined,
): Promise<Consequence | undefined> {
  // Before the write: the fingerprint is slow by design, and other processes wait for a transaction.
  if (verdict.heldReason === 'refused') return { kind: 'refuse', fingerprint: await fingerprintOf(endpoint, salt) };
  if (verdict.outcome === 'disabled' && result.kind === 'answer') {
    return { kind: 'disable', reason: `the server answered ${result.status}` };
  }
  return undefined;
}

function signalOf({ outcome, heldReason, retryAfterMs }: Verdict, result: SettledResult): Signal {
  if (heldReason === 'refused') return 'refused';
  if (outcome === 'disabled') return 'disabled';
  // The verdict is about this one payload: the endpoint itself works.
  if (outcome === 'delivered' || heldReason === 'rejected') return 'well';
  const isThrottled = result.kind === 'answer' && (result.status === 429 || result.status === 503);
  return isThrottled && retryAfterMs !== undefined ? { throttledMs: retryAfterMs } : 'failed';
}

/** The id and e-mail as the payload has them: the server's response is about those. */
function identify({ payload, recordingId }: ClaimedDelivery): { recordingId: string; email: string | undefined } {
  const content = parseObject(payload);
  const id = content?.recording_id;
  const user = content?.user_info;
  const email = user !== null && typeof user === 'object' ? (user as { email?: unknown }).email : undefined;
  return {
    recordingId: typeof id === 'string' || typeof id === 'number' ? String(id) : recordingId,
    email: typeof email === 'string' ? email : undefined,
  };
}
