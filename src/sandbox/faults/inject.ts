import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from '../http/exchange.ts';
import { type Reply, send } from '../http/reply.ts';
import type { FaultAction, FaultAnswer } from './faults.ts';

/** What a server brings to have its exchanges spoiled. */
export interface Injection {
  action: FaultAction;
  /** The server's clock, skew included. */
  now: () => number;
  /** Fires when the sandbox closes. */
  closing: AbortSignal;
  /** The server's real work. */
  process: () => Promise<Reply>;
  /** An answer made up by a fault, in the server's own form. */
  renderAnswer: (answer: FaultAnswer) => Reply;
  /** A 200 with an error inside. */
  renderErrorInside: (code: string) => Reply;
}

/**
 * Carries out an exchange with its faults: the order in which things go wrong is this function's lines.
 * @returns the status that was sent; null where none was
 * @throws BodyBrokenOff, and the closing signal's reason
 */
export async function carryOut(exchange: Exchange, injection: Injection): Promise<number | null> {
  const { action, now, closing, process } = injection;
  const answerWith = async (reply: Reply) => {
    if (exchange.res.destroyed) return null;
    const { dripMs, truncateTo } = action;
    await send(exchange, reply, { nowMs: now(), closing, spoiling: { dripMs, truncateTo } });
    return reply.status;
  };

  if (action.delayMs !== undefined) await sleep(action.delayMs, undefined, { signal: closing });
  if (action.dropAfterBytes !== undefined) return dropInBody(exchange, action.dropAfterBytes);
  if (action.drop === 'before') {
    await exchange.drain();
    exchange.drop();
    return null;
  }
  if (action.hang === 'before') {
    await exchange.drain();
    await exchange.gone();
    return null;
  }
  if (action.answer && action.answer.when !== 'after') {
    if (!action.answer.early) await exchange.drain();
    return answerWith(injection.renderAnswer(action.answer));
  }
  if (action.errorInside !== undefined) {
    await exchange.drain();
    return answerWith(injection.renderErrorInside(action.errorInside));
  }

  if (action.lateMs !== undefined) {
    await exchange.drain();
    await sleep(action.lateMs, undefined, { signal: closing });
  }
  const reply = await process();
  if (action.drop === 'after') {
    exchange.drop();
    return null;
  }
  if (action.hang === 'after') {
    await exchange.gone();
    return null;
  }
  return answerWith(action.answer ? injection.renderAnswer(action.answer) : reply);
}

async function dropInBody(exchange: Exchange, afterBytes: number): Promise<null> {
  if (afterBytes > 0) {
    await exchange.read(() => {
      if (exchange.bodyBytes >= afterBytes) exchange.drop();
    });
  }
  exchange.drop();
  return null;
}
