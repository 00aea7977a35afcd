import type { PostRequest } from './post-result.ts';
import { signatureHeaders } from './signature.ts';

/** The request's headers, exactly the contract's and, with a secret, those of Standard Webhooks. */
export function requestHeaders(
  { body, token, secrets, webhookId, timestampSeconds }: Omit<PostRequest, 'url' | 'signal'>,
  userAgent: string,
): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    ...(token === undefined ? {} : { 'X-Webhook-Token': token }),
    'User-Agent': userAgent,
    ...signatureHeaders(secrets, webhookId, timestampSeconds, body),
  };
}
