import { createHmac, timingSafeEqual } from 'node:crypto';

/** How Standard Webhooks signatures are checked. */
export interface SignatureRules {
  /** `whsec_` + base64; a signature by any of them is good (rotation). */
  secrets: string[];
  /** How far the time stamp may be off, either way; 300 unless given. */
  toleranceSeconds?: number;
}

/** The three headers; undefined where one is missing. */
export interface SignatureHeaders {
  id: string | undefined;
  timestamp: string | undefined;
  signatures: string | undefined;
}

const DEFAULT_TOLERANCE_SECONDS = 300;

/**
 * Checks a Standard Webhooks signature (https://www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`, one of
 * the space-separated `v1,<base64>` values.
 * @returns a function that says what is wrong with a request, or undefined
 * @throws Error for a secret that is none
 */
export function signatureCheck(
  rules: SignatureRules,
): (headers: SignatureHeaders, body: Buffer, nowMs: number) => string | undefined {
  const keys = rules.secrets.map(keyOf);
  const toleranceSeconds = rules.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS;
  return ({ id, timestamp, signatures }, body, nowMs) => {
    if (!id || !timestamp || !signatures) return 'signature missing';
    if (!/^\d{1,15}$/.test(timestamp)) return 'signature timestamp is no number';
    const offSeconds = Math.floor(nowMs / 1000) - Number(timestamp);
    if (offSeconds > toleranceSeconds) return 'signature timestamp too old';
    if (offSeconds < -toleranceSeconds) return 'signature timestamp in the future';
    const claimed = signatures
      .split(' ')
      .filter(signature => signature.startsWith('v1,'))
      .map(signature => Buffer.from(signature.slice(3), 'base64'));
    const expected = keys.map(key => createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest());
    const good = expected.some(digest => claimed.some(claim => sameBytes(digest, claim)));
    return good ? undefined : 'signature invalid';
  };
}

function keyOf(secret: string): Buffer {
  const text = secret.replace(/^whsec_/, '');
  const key = Buffer.from(text, 'base64');
  if (key.length > 0 && key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')) return key;
  throw new Error('a signature secret must be whsec_ followed by base64');
}

function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
