import type { ClientRequest, IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { openConnections } from '../http/connections.ts';
import { type GotStream, got } from './got.ts';
import { classifyNetworkError, readNetworkError } from './network-failure.ts';
import type { Answer, PostWebhook } from './post-result.ts';
import { POST_TIMEOUT_MS } from './post-timeout.ts';
import { measure } from './post-timings.ts';
import { requestHeaders } from './request-headers.ts';

/** At most this much of a response is read; the contract's responses are under one KiB. */
export const MAX_ANSWER_BYTES = 64 * 1024;

export interface PostOptions {
  /** `recordupload/<version>`. */
  userAgent: string;
  /** Further certificate authorities, PEM text, beside those that Node trusts (`NODE_EXTRA_CA_CERTS` included). */
  ca?: string | undefined;
  /** Holds `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; none: no proxy. */
  proxyEnv?: NodeJS.ProcessEnv | undefined;
  timeoutMs?: number | undefined;
}

/** Sends webhooks over shared connections. */
export interface Poster {
  post: PostWebhook;
  /** Closes the connections. */
  close(): void;
}

/**
 * The webhook client, on got. It follows no redirect, because got would send the token to the other host, and leaves
 * retries to `deliverWebhooks`. The one exception is a request on a kept-alive connection that the server was closing:
 * it is sent again at once. If the server did read the first one, it gets the same `webhook-id` twice, which is harmless.
 * `post` throws AppError `CONFIG` if the environment names a proxy for its URL that cannot be one.
 */
export function createPoster({ userAgent, ca, proxyEnv, timeoutMs = POST_TIMEOUT_MS }: PostOptions): Poster {
  const connections = openConnections({ ca, proxyEnv, idleTimeoutMs: timeoutMs });
  return {
    async post(request) {
      const url = new URL(request.url);
      const proxy = connections.proxyFor(url);
      // Not got's `timeout.request`: while a proxy hangs, the request has no socket, and got cannot end it.
      const deadline = AbortSignal.timeout(timeoutMs);
      const signal = request.signal ? AbortSignal.any([request.signal, deadline]) : deadline;
      let wasSent = false;
      for (;;) {
        const stream = got.stream.post(url, {
          headers: requestHeaders(request, userAgent),
          agent: connections.agentFor(url),
          signal,
          retry: { limit: 0 },
          followRedirect: false,
          throwHttpErrors: false,
          decompress: false,
        });
        const timings = measure(stream);
        onConnected(stream, url, () => {
          wasSent = true;
        });
        try {
          return {
            ...(await exchange(stream, request.body)),
            proxyVariable: proxy?.variable,
            timings: timings(),
          };
        } catch (error) {
          if (request.signal?.aborted) return { kind: 'aborted', wasSent, timings: timings() };
          if (deadline.aborted) return { kind: 'timeout', timeoutMs, wasSent, timings: timings() };
          // got's errors hold the request's options, the token included, so only the code and the message leave here.
          const failure = readNetworkError(error);
          // This loop ends: each turn uses up one idle connection; then Node opens a new one.
          if (stream.reusedSocket && !stream.response && WAS_CLOSING.test(failure.code)) continue;
          const { code, message } = failure;
          return {
            kind: 'network',
            what: classifyNetworkError(failure, { isProxied: proxy !== undefined }),
            proxyVariable: proxy?.variable,
            code,
            message,
            wasSent,
            timings: timings(),
          };
        } finally {
          // Closes the connection of an unfinished request, and removes got's listener from the signal.
          stream.destroy();
        }
      }
    },
    close: () => connections.close(),
  };
}

/** Calls back once the request has a connection that its bytes can leave on; they do so at once, they are few. */
function onConnected(stream: GotStream, { protocol }: URL, callback: () => void): void {
  stream.once('request', (request: ClientRequest) => {
    request.once('socket', socket => {
      if (!socket.connecting) callback();
      else socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', callback);
    });
  });
}

/** How a connection ends that the server closed while it was idle. */
const WAS_CLOSING = /^(ECONNRESET|EPIPE)$/;

/** Sends the body and reads the response, up to the cap; throws what got throws. */
async function exchange(stream: GotStream, body: string): Promise<Omit<Answer, 'timings'>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk.subarray(0, MAX_ANSWER_BYTES - bytes));
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) stream.destroy();
  });
  // If the server switches to another protocol (101), got would wait until the time-out.
  stream.once('request', (request: ClientRequest) => {
    request.once('upgrade', (_response, socket) => {
      socket.destroy();
      stream.destroy(new SwitchedProtocol());
    });
  });
  // Never removed: an error after the response would otherwise be uncaught and end the process.
  stream.on('error', () => {});
  // Not got's `body` option: with it, got asks for FormData, and Node loads the whole of its fetch, 25 ms.
  stream.end(body);
  try {
    await finished(stream, { writable: false });
  } catch (error) {
    // got also fails if further bytes follow a complete response. That response is valid all the same.
    if (bytes <= MAX_ANSWER_BYTES && !stream.response?.complete) throw error;
  }
  // The body ends only after the response has begun.
  const { statusCode = 0, headers } = stream.response as IncomingMessage;
  return {
    kind: 'answer',
    status: statusCode,
    contentType: headers['content-type'],
    contentEncoding: headers['content-encoding'],
    server: headers.server?.toString(),
    body: Buffer.concat(chunks).toString('utf8'),
    truncated: bytes > MAX_ANSWER_BYTES,
    retryAfter: headers['retry-after'],
    date: headers.date,
    location: headers.location,
  };
}

class SwitchedProtocol extends Error {
  override readonly message = 'the server switched to another protocol';
  readonly code = 'ECONNABORTED';
}
