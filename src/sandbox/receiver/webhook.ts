import { json, type Reply } from '../http/reply.ts';
import type { Recordings } from './recordings.ts';

/** What the webhook's own rules need. */
export interface WebhookParts {
  recordings: Recordings;
  /** Where payloads marked `"test": true` go. */
  tests: Recordings;
  /** Whether there is a user with exactly this e-mail address. */
  hasUser: (email: string) => boolean;
}

/** The contract's error body. */
export function refusal(status: number, message: string, headers: Record<string, string> = {}): Reply {
  return json(status, { status: 'error', message }, headers);
}

/** Answers an authenticated webhook by the contract: 400, 404, 201 or 200. */
export async function takeWebhook(body: Buffer, parts: WebhookParts, nowMs: number): Promise<Reply> {
  const payload = parse(body);
  if (payload === undefined) return refusal(400, 'Invalid JSON payload');
  const id = recordingIdOf(payload);
  const email = emailOf(payload);
  if (id === undefined || email === undefined) {
    return refusal(400, 'Missing required fields: recording_id or user_info.email');
  }
  if (!parts.hasUser(email)) return refusal(404, `No user found with email: ${email}`);

  const table = isObject(payload) && payload.test === true ? parts.tests : parts.recordings;
  const { row, action } = await table.upsert(id, payload as Record<string, unknown>, nowMs);
  return json(action === 'created' ? 201 : 200, {
    status: 'success',
    message: `Recording ${action} successfully`,
    recording_id: row.recording_id,
    pk: row.pk,
    action,
  });
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function recordingIdOf(payload: unknown): number | string | undefined {
  const id = isObject(payload) ? payload.recording_id : undefined;
  return typeof id === 'number' || (typeof id === 'string' && id !== '') ? id : undefined;
}

function emailOf(payload: unknown): string | undefined {
  const user = isObject(payload) ? payload.user_info : undefined;
  const email = isObject(user) ? user.email : undefined;
  return typeof email === 'string' && email !== '' ? email : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
