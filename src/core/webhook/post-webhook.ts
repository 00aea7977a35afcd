import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { getCACertificates } from 'node:tls';
import got, { type Request, type Response, TimeoutError } from 'got';
import { classifyNetworkError, proxyFor, readNetworkError } from './network-failure.ts';
import type { PostRequest, PostResult, PostTimings, PostWebhook } from './post-result.ts';
import { signatureHeaders } from './signature.ts';

/** An answer is given up after this, connecting and a dripping body included (the contract). */
export const POST_TIMEOUT_MS = 30_000;
/** More of an answer is not read: the contract's are under one KiB. */
export const MAX_ANSWER_BYTES = 64 * 1024;

export interface PostOptions {
  /** `recordupload/<version>`. */
  userAgent: string;
  /** Further certificate authorities, PEM text, beside those that Node trusts (`NODE_EXTRA_CA_CERTS` included). */
  ca?: string | undefined;
  /** Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are looked up; none: no proxy. */
  proxyEnv?: NodeJS.ProcessEnv | undefined;
  timeoutMs?: number | undefined;
}

/** One POST after the other over shared connections; `close` ends those that are idle. */
export interface Poster {
  post: PostWebhook;
  close(): void;
}

/**
 * The webhook client. It follows no redirect (got would hand the token to the new host), retries nothing (that is
 * `deliverWebhooks`' task), and never lets an error of got's out: those contain the request's headers.
 */
export function createPoster(options: PostOptions): Poster {
  const { userAgent, ca, proxyEnv, timeoutMs = POST_TIMEOUT_MS } = options;
  // The time-out ends the wait for a proxy that hangs: Node's agents alone know that socket.
  const shared = { keepAlive: true, timeout: timeoutMs, ...(proxyEnv ? { proxyEnv } : {}) };
  const agent = {
    http: new HttpAgent(shared),
    https: new HttpsAgent({ ...shared, ...(ca ? { ca: [...getCACertificates('default'), ca] } : {}) }),
  };

  return {
    post(request) {
      const stream = got.stream.post(request.url, {
        agent,
        headers: headersOf(request, userAgent),
        timeout: { request: timeoutMs },
        retry: { limit: 0 },
        followRedirect: false,
        throwHttpErrors: false,
        // A compressed answer is not asked for: 64 KiB of it could unpack to gigabytes.
        decompress: false,
      });
      // Not as got's `body` option: that looks at the global FormData, which takes 20 ms to load.
      stream.end(request.body);
      const proxy = proxyFor(new URL(request.url), proxyEnv);
      return settle(stream, request, timeoutMs, proxy);
    },
    close() {
      agent.http.destroy();
      agent.https.destroy();
    },
  };
}

/** The request's headers, exactly the contract's and, with a secret, those of Standard Webhooks. */
export function headersOf(request: Omit<PostRequest, 'url' | 'signal'>, userAgent: string): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(request.body)),
    ...(request.token === undefined ? {} : { 'X-Webhook-Token': request.token }),
    'User-Agent': userAgent,
    ...signatureHeaders(request.secrets, request.webhookId, request.timestampSeconds, request.body),
  };
}

/** Waits for the answer, its cap, a failure, or the signal, whichever is first; nothing is left listening. */
function settle(stream: Request, request: PostRequest, timeoutMs: number, proxy: URL | undefined): Promise<PostResult> {
  const startedAt = performance.now();
  const { signal } = request;
  return new Promise(resolve => {
    let response: Response | undefined;
    const chunks: Buffer[] = [];
    let bytes = 0;

    const finish = (result: PostResult) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const timings = () => timingsOf(stream, startedAt);
    const answer = (truncated: boolean) => {
      if (response) finish(answerOf(response, Buffer.concat(chunks), truncated, timings()));
    };
    const giveUp = (result: PostResult) => {
      finish(result);
      stream.destroy();
    };
    const onAbort = () => giveUp({ kind: 'aborted', timings: timings() });
    // got's own time-out needs a socket, and there is none yet while a proxy does not answer.
    const timer = setTimeout(() => giveUp({ kind: 'timeout', timeoutMs, timings: timings() }), timeoutMs);

    stream.on('response', (received: Response) => {
      response = received;
    });
    stream.on('data', (chunk: Buffer) => {
      const room = MAX_ANSWER_BYTES - bytes;
      chunks.push(chunk.subarray(0, room));
      bytes += Math.min(chunk.length, room);
      if (chunk.length <= room) return;
      answer(true);
      stream.destroy();
    });
    stream.once('end', () => answer(false));
    // Stays for good: an error after the end (a reset while we hang up) must not become an uncaught one.
    stream.on('error', error => finish(failureOf(error, new URL(request.url), proxy, timeoutMs, timings())));
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort);
  });
}

function answerOf(response: Response, body: Buffer, truncated: boolean, timings: PostTimings): PostResult {
  const { headers } = response;
  return {
    kind: 'answer',
    status: response.statusCode,
    contentType: headers['content-type'],
    body: body.toString('utf8'),
    truncated,
    retryAfter: headers['retry-after'],
    date: headers.date,
    location: headers.location,
    timings,
  };
}

function failureOf(
  error: unknown,
  url: URL,
  proxy: URL | undefined,
  timeoutMs: number,
  timings: PostTimings,
): PostResult {
  if (error instanceof TimeoutError) return { kind: 'timeout', timeoutMs, timings };
  const networkError = readNetworkError(error);
  const { code, message } = networkError;
  return { kind: 'network', what: classifyNetworkError(networkError, url, proxy), code, message, timings };
}

function timingsOf(stream: Request, startedAt: number): PostTimings {
  const { phases, start } = stream.timings ?? {};
  return {
    dns: phases?.dns,
    connect: phases?.tcp,
    tls: phases?.tls,
    firstByte: phases?.firstByte,
    // From when the request was made: setting the client up the first time is no time of the server's.
    total: phases?.total ?? (start === undefined ? Math.round(performance.now() - startedAt) : Date.now() - start),
  };
}
