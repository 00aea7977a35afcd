import type { Settlement } from '../../state/sqlite/delivery-claims.ts';
import type { EndpointStore } from '../../state/sqlite/endpoint-store.ts';
import type { Clock, Random } from '../clock.ts';
import type { Observer } from '../events.ts';
import type { Endpoint } from '../webhook/endpoint.ts';
import { parseObject } from '../webhook/json-object.ts';
import { type Judgement, judge } from '../webhook/outcome.ts';
import type { PostResult, PostWebhook, SettledResult } from '../webhook/post-result.ts';
import { displayUrl, type Redactor } from '../webhook/redact.ts';
import { nextTry, parseRetryAfter } from './backoff.ts';
import type { Signal } from './circuit.ts';
import type { ClaimedDelivery, Trigger } from './delivery.ts';
import type { DeliveryReport } from './delivery-report.ts';

export interface SendDeps {
  post: PostWebhook;
  clock: Clock;
  random: Random;
  observer: Observer;
  signal: AbortSignal | undefined;
  /** Knows the endpoint's secrets. */
  redact: Redactor;
  endpoints: EndpointStore;
  /** Resolves once it is durable, with whether the claim was still ours. */
  settle(settlement: Settlement): Promise<boolean>;
}

/** What one try came to; `signal`: what it says about the endpoint. */
export interface SentDelivery {
  report: DeliveryReport;
  signal: Signal | undefined;
}

/** A judgement after the schedule has been asked. */
interface Verdict extends Judgement {
  next: NonNullable<Settlement['next']>;
  retryAfterMs: number | undefined;
}

/**
 * One try of a claimed delivery: POST, reading the answer, the durable record of both, the announcement. Everything
 * that leaves here has been redacted.
 * @throws AppError `STATE` where the outcome could not be stored (the server may have got it; it will be sent again)
 */
export async function sendDelivery(
  delivery: ClaimedDelivery,
  endpoint: Endpoint,
  trigger: Trigger,
  deps: SendDeps,
): Promise<SentDelivery> {
  const { clock, observer, redact } = deps;
  const { recordingId, webhookId, seq, claim } = delivery;
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
    await deps.settle({
      seq,
      claim,
      now,
      attempt: { ...tried, outcome: 'interrupted', status: null, error, excerpt: null },
    });
    return { report: { ...ids, outcome: 'interrupted', detail: error, durationMs }, signal: undefined };
  }

  const verdict = decide(result, delivery, endpoint, redact, now, deps.random);
  const { detail } = verdict;
  const status = result.kind === 'answer' ? result.status : undefined;
  const excerpt = result.kind === 'answer' ? redact.excerpt(result.body, { truncated: result.truncated }) : null;
  await deps.settle({
    seq,
    claim,
    now,
    next: verdict.next,
    attempt: { ...tried, outcome: verdict.outcome, status: status ?? null, error: detail || null, excerpt },
    also: consequence(verdict, result, endpoint, deps.endpoints, now),
  });
  const { outcome, line } = verdict;
  observer({ type: 'webhook-answered', ...ids, line, outcome, status, durationMs, ...(detail ? { detail } : {}) });
  const nextAt = verdict.next.state === 'pending' ? verdict.next.nextAt : undefined;
  return {
    report: { ...ids, outcome, action: verdict.action, status, line, detail, nextAt, durationMs },
    signal: signalOf(verdict, result),
  };
}

/** The outcome table first, then for what may pass the schedule. */
function decide(
  result: SettledResult,
  delivery: ClaimedDelivery,
  endpoint: Endpoint,
  redact: Redactor,
  now: number,
  random: Random,
): Verdict {
  const judgement = judge(result, { url: endpoint.url, ...identify(delivery) }, redact);
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

/** What an answer means for the whole endpoint, stored together with the try. */
function consequence(
  verdict: Verdict,
  result: PostResult,
  endpoint: Endpoint,
  endpoints: EndpointStore,
  now: number,
): (() => void) | undefined {
  if (verdict.heldReason === 'refused') return () => endpoints.refuse(endpoint.name, endpoint, now);
  if (verdict.outcome === 'disabled' && result.kind === 'answer') {
    return () => endpoints.disable(endpoint.name, `the server answered ${result.status}`, now);
  }
  return undefined;
}

function signalOf({ outcome, heldReason, retryAfterMs }: Verdict, result: SettledResult): Signal {
  if (heldReason === 'refused') return 'refused';
  if (outcome === 'disabled') return 'disabled';
  // Held by a verdict on this one payload: the endpoint itself answers well.
  if (outcome === 'delivered' || heldReason === 'rejected') return 'well';
  const isThrottled = result.kind === 'answer' && (result.status === 429 || result.status === 503);
  return isThrottled && retryAfterMs !== undefined ? { throttledMs: retryAfterMs } : 'failed';
}

/** The id and e-mail as the payload has them: the server's answer is about those. */
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
