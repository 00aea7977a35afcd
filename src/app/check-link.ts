import { readCaFile } from '../core/ca-file.ts';
import { AppError } from '../core/errors.ts';
import { openConnections } from '../core/http/connections.ts';
import { type LinkAnswer, openLink } from '../core/http/open-link.ts';
import { publicUrl } from '../core/recording/object-key.ts';
import { displayUrl } from '../core/redact.ts';
import { printableLine } from '../core/text.ts';
import type { Runtime } from './runtime.ts';

/** Whether everybody can open a link of the webhook. */
export interface LinkCheck {
  url: string;
  ok: boolean;
  detail: string;
  /** What to do if it is not ok. */
  fix?: string | undefined;
}

const LONGEST_MS = 10_000;

/**
 * Opens the link of one object as those do who click it in the recordings server: without credentials.
 * @param object.sizeBytes what the object has; undefined: not compared
 */
export async function checkLink(
  { key, sizeBytes }: { key: string; sizeBytes?: number | undefined },
  { config, env, userAgent }: Pick<Runtime, 'config' | 'env' | 'userAgent'>,
  outer: AbortSignal,
): Promise<LinkCheck> {
  const url = publicUrl(config.publicBaseUrl, config.bucket, key);
  const connections = openConnections({ ca: readCaFile(config.caFile), proxyEnv: env });
  const signal = AbortSignal.any([outer, AbortSignal.timeout(LONGEST_MS)]);
  try {
    return { url, ...judge(await openLink(new URL(url), { connections, userAgent, signal }), sizeBytes) };
  } catch (error) {
    if (outer.aborted) throw outer.reason;
    if (error instanceof AppError) throw error;
    const { code, message } = error as { code?: string; message: string };
    const why = signal.aborted ? 'no response' : printableLine(code ?? message);
    return { url, ok: false, detail: `the link cannot be reached: ${why}`, fix: CHECK_BASE };
  } finally {
    connections.close();
  }
}

const CHECK_BASE = 'check publicBaseUrl: links begin with it';

function judge(
  { status, sizeBytes, location }: LinkAnswer,
  expectedBytes: number | undefined,
): Pick<LinkCheck, 'ok' | 'detail' | 'fix'> {
  if (status === 200 || status === 206) {
    if (expectedBytes === undefined || sizeBytes === undefined || sizeBytes === expectedBytes) {
      return { ok: true, detail: 'everybody can open the link' };
    }
    const detail = `the link leads to something else: ${sizeBytes} bytes instead of ${expectedBytes}`;
    return { ok: false, detail, fix: CHECK_BASE };
  }
  if (status === 401 || status === 403) {
    return {
      ok: false,
      detail: `the object is private: those who open the link get ${status}`,
      fix: 'let a bucket policy allow s3:GetObject to everybody, or set acl: public-read and upload again with --force',
    };
  }
  if (status === 404) return { ok: false, detail: 'the link leads to nothing (404)', fix: CHECK_BASE };
  const leads = location === undefined ? '' : `, and leads to ${displayUrl(location).slice(0, 200)}`;
  return { ok: false, detail: `those who open the link get ${status}${leads}`, fix: CHECK_BASE };
}
