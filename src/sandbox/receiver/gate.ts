import type { Reply } from '../http/reply.ts';
import { ipAllowList } from './ip-allow-list.ts';
import { type RateLimit, rateLimiter } from './rate-limit.ts';
import { type SignatureRules, signatureCheck } from './signature.ts';
import { type TokenState, tokenCheck } from './token.ts';
import { refusal } from './webhook.ts';

/** A request that did not get past the gate for who or where it came from. */
export interface AuthFailure {
  /** ISO 8601. */
  at: string;
  address: string;
  reason: string;
  method: string;
  path: string;
}

/** What the gate looks at. */
export interface Visitor {
  method: string;
  path: string;
  address: string;
  headers: NodeJS.Dict<string[]>;
  body: Buffer;
  nowMs: number;
}

export interface GateRules {
  token: string;
  signature?: SignatureRules | undefined;
  allowIps?: string[] | undefined;
  rateLimit?: RateLimit | undefined;
  now: () => number;
}

/** A guesser must not fill the memory. */
const MAX_FAILURES = 10_000;

/** Decides who gets to the webhook; keeps the log of those who did not. */
export class Gate {
  readonly failures: AuthFailure[] = [];
  readonly tokenState: (given: string | undefined) => TokenState;
  readonly #allows: ((address: string) => boolean) | undefined;
  readonly #limit: ReturnType<typeof rateLimiter> | undefined;
  readonly #signatureProblem: ReturnType<typeof signatureCheck> | undefined;

  constructor({ token, allowIps, rateLimit, signature, now }: GateRules) {
    this.tokenState = tokenCheck(token);
    this.#allows = allowIps && ipAllowList(allowIps);
    this.#limit = rateLimit && rateLimiter(rateLimit, now);
    this.#signatureProblem = signature && signatureCheck(signature);
  }

  /** The refusal, or undefined for who may pass. Address, pace, method, token, signature: in this order. */
  check(visitor: Visitor): Reply | undefined {
    const { address, headers, method, body, nowMs } = visitor;
    if (this.#allows && !this.#allows(address)) {
      this.#note(visitor, 'address not allowed');
      return refusal(403, 'Address not allowed');
    }
    const wait = this.#limit?.(address).retryAfterSeconds;
    if (wait !== undefined) return refusal(429, 'Too many requests', { 'Retry-After': String(wait) });
    if (method !== 'POST') return refusal(405, 'Method not allowed', { Allow: 'POST' });

    const token = this.tokenState(headers['x-webhook-token']?.join(','));
    if (token !== 'valid') {
      this.#note(visitor, `token ${token}`);
      return refusal(401, 'Invalid or missing authentication token');
    }
    const problem = this.#signatureProblem?.(
      {
        id: headers['webhook-id']?.[0],
        timestamp: headers['webhook-timestamp']?.[0],
        signatures: headers['webhook-signature']?.[0],
      },
      body,
      nowMs,
    );
    if (problem === undefined) return undefined;
    this.#note(visitor, problem);
    return refusal(401, `Invalid or missing webhook signature: ${problem}`);
  }

  #note({ address, method, path, nowMs }: Visitor, reason: string): void {
    this.failures.push({ at: new Date(nowMs).toISOString(), address, reason, method, path });
    if (this.failures.length > MAX_FAILURES) this.failures.shift();
  }
}
