import type { Attempt, Delivery } from '../../core/delivery/delivery.ts';
import { iso, isoOrNull } from './document.ts';
import { storedPayload } from './payload.ts';

/** One POST of a webhook. */
export interface AttemptJson {
  /** From 1. */
  number: number;
  at: string;
  trigger: 'upload' | 'send' | 'retry' | 'replay';
  durationMs: number;
  outcome: 'delivered' | 'pending' | 'held' | 'disabled' | 'interrupted';
  status: number | null;
  error: string | null;
  /** The start of the server's answer, without secrets. */
  excerpt: string | null;
}

function attemptJson({ number, at, trigger, durationMs, outcome, status, error, excerpt }: Attempt): AttemptJson {
  return { number, trigger, durationMs, outcome, status, error, excerpt, at: iso(at) };
}

/** A webhook with every attempt to deliver it. */
export interface HistoryJson<State extends string> {
  webhookId: string;
  endpoint: string;
  state: State;
  heldReason: 'refused' | 'rejected' | 'exhausted' | 'disabled' | 'no-email' | null;
  createdAt: string;
  /** Null unless it is waiting. */
  nextTry: string | null;
  settledAt: string | null;
  payload: unknown;
  attempts: AttemptJson[];
}

/** @param stateOf how the document names a webhook's state */
export function historyJson<State extends string>(
  { delivery, attempts }: { delivery: Delivery; attempts: readonly Attempt[] },
  stateOf: (state: Delivery['state']) => State,
): HistoryJson<State> {
  const { webhookId, endpoint, state, heldReason, createdAt, nextAt, settledAt, payload } = delivery;
  return {
    webhookId,
    endpoint,
    state: stateOf(state),
    heldReason,
    createdAt: iso(createdAt),
    nextTry: state === 'pending' ? iso(nextAt) : null,
    settledAt: isoOrNull(settledAt),
    payload: storedPayload(payload),
    attempts: attempts.map(attemptJson),
  };
}
