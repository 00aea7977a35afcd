import type { IncomingMessage } from 'node:http';
import type { Connections } from './connections.ts';

/** What somebody gets who opens a link without any credentials. */
export interface LinkAnswer {
  status: number;
  /** The size of the whole object; undefined where the response does not say. */
  sizeBytes: number | undefined;
  /** Where a redirect leads. */
  location: string | undefined;
}

/**
 * Opens a link as a browser does, and reads no more than the head of the response. A HEAD would not do: stores refuse it
 * without a reason, and some links are made for GET alone.
 * @throws what the network throws; the signal's reason once it aborts
 */
export function openLink(
  url: URL,
  { connections, userAgent, signal }: { connections: Connections; userAgent: string; signal: AbortSignal },
): Promise<LinkAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { 'user-agent': userAgent, range: 'bytes=0-0' };
    const request = connections.to(url)({ method: 'GET', headers });
    const onAbort = () => request.destroy(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    request.once('response', (response: IncomingMessage) => {
      resolve({
        status: response.statusCode ?? 0,
        sizeBytes: sizeOf(response),
        location: response.headers.location,
      });
      response.on('error', () => {});
      response.destroy();
    });
    request.on('error', error => reject(signal.aborted ? signal.reason : error));
    request.once('close', () => signal.removeEventListener('abort', onAbort));
    request.end();
    if (signal.aborted) onAbort();
  });
}

/** Of a part, `Content-Range` has the size of the whole. */
function sizeOf({ statusCode, headers }: IncomingMessage): number | undefined {
  const text = statusCode === 206 ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] : headers['content-length'];
  return text === undefined ? undefined : Number(text);
}
