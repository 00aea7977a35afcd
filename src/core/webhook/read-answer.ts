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
  if (body?.status !== 'success' || !isOurs) return undefined;
  return { action: body.action === 'created' || body.action === 'updated' ? body.action : undefined };
}

/** The server's own words: the `message` of the contract's JSON; undefined if the response has none. */
export function serverMessage({ body }: Answer): string | undefined {
  const message = parseObject(body)?.message;
  return typeof message === 'string' ? message : undefined;
}

/** Whether a web page came in place of the contract's JSON: from a proxy, a firewall, a framework. */
export function isWebPage({ contentType, body }: Answer): boolean {
  return /html/i.test(contentType ?? '') || /^\s*<(!doctype|html)/i.test(body);
}
