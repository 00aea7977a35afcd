import { parseObject } from './json-object.ts';
import type { Answer } from './post-result.ts';

/**
 * Reads the contract's acceptance: 200 or 201, `"status":"success"`, and the id that was sent. Further keys are ignored.
 * @returns undefined if the response is anything else
 */
export function readAcceptance(
  answer: Answer,
  recordingId: string,
): { action: 'created' | 'updated' | undefined } | undefined {
  if ((answer.status !== 200 && answer.status !== 201) || answer.truncated) return undefined;
  const body = parseObject(answer.body);
  const id = body?.recording_id;
  const isOurs = (typeof id === 'string' || typeof id === 'number') && String(id) === recordingId;
  if (body?.status !== 'success' || !(isOurs || isLargeId(id, recordingId, answer.body))) return undefined;
  return { action: body.action === 'created' || body.action === 'updated' ? body.action : undefined };
}

/** A number beyond 2^53 is rounded when it is parsed, so what counts is how the server wrote it. */
function isLargeId(id: unknown, recordingId: string, body: string): boolean {
  if (typeof id !== 'number' || Number.isSafeInteger(id) || !/^\d+$/.test(recordingId)) return false;
  return new RegExp(`"recording_id"\\s*:\\s*${recordingId}\\s*[,}]`).test(body);
}

/**
 * Reads the contract's refusal, `{"status":"error","message":"…"}`. Only with it does a status say something about the
 * token, the e-mail address or the payload: proxies, firewalls and frameworks use the same statuses for reasons of their own.
 * @returns the server's message; undefined if the response is anything else
 */
export function readRefusal(answer: Answer): string | undefined {
  if (answer.truncated) return undefined;
  const body = parseObject(answer.body);
  return body?.status === 'error' && typeof body.message === 'string' ? body.message : undefined;
}

/** Whether a web page came in place of the contract's JSON: from a proxy, a firewall, a framework. */
export function isWebPage({ contentType, body }: Answer): boolean {
  return /html/i.test(contentType ?? '') || /^\s*<(!doctype|html)/i.test(body);
}
