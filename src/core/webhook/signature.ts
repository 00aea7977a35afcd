import { createHmac } from 'node:crypto';
import { AppError } from '../errors.ts';

const PREFIX = 'whsec_';
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** The headers of Standard Webhooks; none if no secret is configured. */
export type SignatureHeaders =
  | Record<never, string>
  | { 'webhook-id': string; 'webhook-timestamp': string; 'webhook-signature': string };

/**
 * Decodes a Standard Webhooks secret: `whsec_` and the base64 of 24 to 64 random bytes.
 * @param where the name of the key or variable that holds the secret, for the message: `webhook.secret`, `WEBHOOK_SECRET`
 * @throws AppError `CONFIG`; the message does not contain the secret
 */
export function decodeSecret(secret: string, where: string): Buffer {
  const text = secret.slice(PREFIX.length);
  const key = Buffer.from(text, 'base64');
  const isCanonical = key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '');
  if (!secret.startsWith(PREFIX) || !BASE64.test(text) || !isCanonical) {
    throw new AppError('CONFIG', `${where}: not a valid signing secret; expected "whsec_" followed by base64`, {
      hint: 'copy it exactly as the receiver shows it',
    });
  }
  if (key.length < MIN_KEY_BYTES || key.length > MAX_KEY_BYTES) {
    throw new AppError('CONFIG', `${where}: a signing secret has 24 to 64 bytes, this one has ${key.length}`, {
      hint: 'make one with: echo "whsec_$(openssl rand -base64 32)"',
    });
  }
  return key;
}

/**
 * Signs one attempt: HMAC-SHA256 of `id.timestamp.body`, one signature for each secret. During a rotation, receivers that
 * know either the old or the new secret accept it.
 * @param timestampSeconds whole seconds since 1970, fresh for every attempt (receivers refuse old ones as replays)
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signatureHeaders(
  secrets: readonly string[],
  webhookId: string,
  timestampSeconds: number,
  body: string,
): SignatureHeaders {
  if (secrets.length === 0) return {};
  const signatures = secrets.map(secret => {
    const hmac = createHmac('sha256', decodeSecret(secret, 'webhook.secret'));
    return `v1,${hmac.update(`${webhookId}.${timestampSeconds}.${body}`).digest('base64')}`;
  });
  return {
    'webhook-id': webhookId,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': signatures.join(' '),
  };
}
