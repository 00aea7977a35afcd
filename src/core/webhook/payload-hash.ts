import { createHash } from 'node:crypto';

/**
 * What a payload says, without when it was made: SHA-256 (hex) of it without its `upload_timestamp`, keys sorted. Two
 * payloads with the same hash tell the server the same.
 * @param payload a JSON object as text
 */
export function payloadHash(payload: string): string {
  const content: Record<string, unknown> = JSON.parse(payload);
  delete content.upload_timestamp;
  return createHash('sha256').update(JSON.stringify(content, sortKeys)).digest('hex');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
