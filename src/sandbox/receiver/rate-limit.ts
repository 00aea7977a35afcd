export interface RateLimit {
  /** How many requests an address may make at once, and per window. */
  requests: number;
  windowMs: number;
}

/** More addresses than this are not remembered; the least recently seen go first. */
const MAX_BUCKETS = 10_000;

/**
 * A token bucket for each address: full at first, refilled evenly over the window.
 * @returns a function that takes a token, or says how many whole seconds to wait for the next
 */
export function rateLimiter(limit: RateLimit, now: () => number): (address: string) => { retryAfterSeconds?: number } {
  const perMs = limit.requests / limit.windowMs;
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  return address => {
    const nowMs = now();
    const bucket = buckets.get(address) ?? { tokens: limit.requests, atMs: nowMs };
    // A clock set back must not take tokens away.
    const elapsedMs = Math.max(0, nowMs - bucket.atMs);
    const tokens = Math.min(limit.requests, bucket.tokens + elapsedMs * perMs);
    const granted = tokens >= 1;
    buckets.delete(address);
    buckets.set(address, { tokens: granted ? tokens - 1 : tokens, atMs: nowMs });
    if (buckets.size > MAX_BUCKETS) buckets.delete(buckets.keys().next().value ?? '');
    return granted ? {} : { retryAfterSeconds: Math.max(1, Math.ceil((1 - tokens) / perMs / 1000)) };
  };
}
