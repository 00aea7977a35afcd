const SECOND = 1_000;
const MIN_WAIT_MS = 1 * SECOND;

/** Nothing waits longer than this for its next attempt, whatever the server says. */
export const MAX_WAIT_MS = 24 * 3_600 * SECOND;

/**
 * Reads `Retry-After` (RFC 9110, 10.2.3): seconds or an HTTP date.
 * @param serverDate the response's `Date` header: a date counts from the server's clock, which may differ from ours
 * @returns milliseconds from now, between 1 s and 24 h; undefined if the header is missing or invalid
 */
export function parseRetryAfter(
  value: string | undefined,
  serverDate: string | undefined,
  nowMs: number,
): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return clampWait(Number(text) * SECOND);
  // Date.parse accepts almost anything ("5 minutes" is in May); HTTP dates begin with a weekday.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/i.test(text)) return undefined;
  const at = Date.parse(text);
  const base = Date.parse(serverDate ?? '');
  return Number.isNaN(at) ? undefined : clampWait(at - (Number.isNaN(base) ? nowMs : base));
}

function clampWait(ms: number): number {
  return Math.round(Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, ms)));
}
