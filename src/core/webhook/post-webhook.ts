import type { ClientRequest, IncomingMessage } from 'node:http';
import { openConnections } from '../http/connections.ts';
import { classifyNetworkError, proxyFor, readNetworkError } from './network-failure.ts';
import type { PostRequest, PostResult, PostTimings, PostWebhook } from './post-result.ts';
import { watchPhases } from './post-timings.ts';
import { signatureHeaders } from './signature.ts';

/** An answer is given up after this, connecting and a dripping body included (the contract). */
const POST_TIMEOUT_MS = 30_000;
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
 * The webhook client. It follows no redirect (that would hand the token to another host) and retries nothing (that is
 * `deliverWebhooks`' task), except a request on a connection that the server seems to have been closing. Should it have
 * read that one after all, it gets the same `webhook-id` twice, which does no harm.
 */
export function createPoster(options: PostOptions): Poster {
  const { userAgent, ca, proxyEnv, timeoutMs = POST_TIMEOUT_MS } = options;
  // The time-out ends the wait for a proxy that hangs: Node's agents alone know that socket.
  const connections = openConnections({ ca, proxyEnv, idleTimeoutMs: timeoutMs });
  return {
    async post(request) {
      const url = new URL(request.url);
      const begin = connections.to(url);
      for (;;) {
        const sent = begin({ method: 'POST', headers: headersOf(request, userAgent) });
        const settled = settle(sent, request, timeoutMs, proxyFor(url, proxyEnv));
        sent.end(request.body);
        const result = await settled;
        // There are only so many idle connections: the last try has one of its own.
        if (!sent.reusedSocket || !wasClosing(result)) return result;
      }
    },
    close: () => connections.close(),
  };
}

/** Whether the connection ended without a byte of an answer, as one does that the server closed while it was idle. */
function wasClosing(result: PostResult): boolean {
  const { kind, timings } = result;
  return kind === 'network' && /^(ECONNRESET|EPIPE)$/.test(result.code) && timings.firstByte === undefined;
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
function settle(
  sent: ClientRequest,
  { url, signal }: PostRequest,
  timeoutMs: number,
  proxy: URL | undefined,
): Promise<PostResult> {
  const timings = watchPhases(sent);
  return new Promise(resolve => {
    const finish = (result: PostResult) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const giveUp = (result: PostResult) => {
      finish(result);
      sent.destroy();
    };
    const onAbort = () => giveUp({ kind: 'aborted', timings: timings() });
    const timer = setTimeout(() => giveUp({ kind: 'timeout', timeoutMs, timings: timings() }), timeoutMs);
    let head: IncomingMessage | undefined;
    // An answer that has come in whole stands, whatever becomes of its connection then.
    const onError = (error: unknown) => {
      if (!head?.complete) finish(failureOf(error, new URL(url), proxy, timings()));
    };

    sent.once('response', answer => {
      head = answer;
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        const room = MAX_ANSWER_BYTES - bytes;
        chunks.push(chunk.subarray(0, room));
        bytes += Math.min(chunk.length, room);
        if (chunk.length > room) giveUp(answerOf(answer, Buffer.concat(chunks), true, timings()));
      });
      answer.once('end', () => finish(answerOf(answer, Buffer.concat(chunks), false, timings())));
      answer.on('error', onError);
    });
    // Stays for good: an error after the end (a reset while we hang up) must not become an uncaught one.
    sent.on('error', onError);
    // Without an error of Node's: it drops a connection that the server wants for another protocol (101).
    sent.once('close', () => {
      if (!head?.complete) onError(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' }));
    });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort);
  });
}

function answerOf(
  { statusCode = 0, headers }: IncomingMessage,
  body: Buffer,
  truncated: boolean,
  timings: PostTimings,
): PostResult {
  return {
    kind: 'answer',
    status: statusCode,
    contentType: headers['content-type'],
    body: body.toString('utf8'),
    truncated,
    retryAfter: headers['retry-after'],
    date: headers.date,
    location: headers.location,
    timings,
  };
}

function failureOf(error: unknown, url: URL, proxy: URL | undefined, timings: PostTimings): PostResult {
  const networkError = readNetworkError(error);
  const { code, message } = networkError;
  return { kind: 'network', what: classifyNetworkError(networkError, url, proxy), code, message, timings };
}
