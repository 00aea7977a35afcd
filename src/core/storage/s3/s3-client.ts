import { hash } from 'node:crypto';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { monotonicMs } from '../../clock.ts';
import type { Connections } from '../../http/connections.ts';
import { readDocument } from './s3-xml.ts';
import { createSigner, EMPTY_SHA256, encode, encodeQuery, type S3Credentials } from './sigv4.ts';

/** One S3 call. */
export interface S3Call {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** The object; none: the bucket. */
  key?: string;
  query?: Readonly<Record<string, string>>;
  /** Names in lower case. */
  headers?: Readonly<Record<string, string>>;
  body?: OutgoingBody | string | undefined;
}

/** Bytes that are sent once the connection takes them. */
export interface OutgoingBody {
  readonly sizeBytes: number;
  readonly sha256: Buffer;
  /** Writes everything to the request, and ends it. */
  send(request: ClientRequest): Promise<void>;
}

export interface S3Client {
  /** Sends a call; the answer's body is yet to be read. @throws S3Refusal for other answers than 2xx */
  open(call: S3Call, signal: AbortSignal): Promise<IncomingMessage>;
  /** Sends a call and reads its answer. @throws S3Refusal */
  send(call: S3Call, signal: AbortSignal): Promise<{ headers: IncomingHttpHeaders; text: string }>;
  /** What time it is by the store's clock, as of its last answer. */
  serverTime(): Date;
}

/** An answer that is no success. */
export class S3Refusal extends Error {
  readonly status: number;
  /** S3's code (`NoSuchKey`, …); empty where the answer has none, as that to a HEAD. */
  readonly code: string;
  readonly headers: IncomingHttpHeaders;
  /** A web page came with it. Not where a HEAD's answer announces one: some stores announce it for everything. */
  readonly isPage: boolean;

  constructor(status: number, code: string, headers: IncomingHttpHeaders, { isPage = false } = {}) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.isPage = isPage;
  }
}

/** More than any page of a list takes. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** A refusal may be any proxy's page. */
const MAX_REFUSAL_BYTES = 64 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/** Clocks that differ by less are as good as the same: S3 refuses at 15 minutes. */
const TOLERATED_SKEW_MS = 5 * 60_000;

/**
 * S3's protocol for one bucket: signs, sends, and tells an answer from a refusal; each call is one request. It is our
 * own because the SDK's costs a millisecond of processor time for each request and 50 ms at each start, several times
 * what a small recording's whole upload takes. Path style, signed SHA-256 of every body, no checksum trailers: IDrive
 * E2 and others refuse those.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 * @param onRoundTrip told how long each answer to a request without a body took, once the connection was there
 */
export function createS3Client(
  settings: { endpoint: string; region: string; bucket: string; credentials: S3Credentials },
  connections: Connections,
  onRoundTrip: (ms: number) => void = () => {},
): S3Client {
  const endpoint = new URL(settings.endpoint);
  const base = `${endpoint.pathname.replace(/\/+$/, '')}/${encode(settings.bucket)}`;
  const sign = createSigner(settings.credentials, settings.region);
  const request = connections.to(endpoint);
  let aheadMs = 0;

  const learnTime = ({ date }: IncomingHttpHeaders) => {
    const time = Date.parse(date ?? '');
    if (!Number.isNaN(time)) aheadMs = time - Date.now();
  };
  const begin = ({ method, key, query = {}, headers, body }: S3Call): ClientRequest => {
    const path = key === undefined ? base : `${base}/${key.split('/').map(encode).join('/')}`;
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body?.sizeBytes;
    const unsigned = {
      method,
      path,
      query,
      headers: { host: endpoint.host, 'user-agent': 'recordupload', ...headers },
      bodySha256: bodyDigest(body),
    };
    const signed = sign(unsigned, new Date(Date.now() + (Math.abs(aheadMs) < TOLERATED_SKEW_MS ? 0 : aheadMs)));
    return request({
      method,
      path: Object.keys(query).length > 0 ? `${path}?${encodeQuery(query)}` : path,
      headers: { ...signed, ...((method === 'PUT' || method === 'POST') && { 'content-length': length ?? 0 }) },
    });
  };

  const open: S3Client['open'] = async (call, signal) => {
    const request = begin(call);
    if (call.body === undefined) timeAnswer(request, onRoundTrip);
    const answer = await answerTo(request, call.body, signal);
    learnTime(answer.headers);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const document = readDocument(await readText(answer, MAX_REFUSAL_BYTES), 'Error');
    const isPage = call.method !== 'HEAD' && /text\/html/i.test(answer.headers['content-type'] ?? '');
    throw new S3Refusal(status, document?.text('Code') ?? '', answer.headers, { isPage });
  };
  return {
    open,
    async send(call, signal) {
      const answer = await open(call, signal);
      return { headers: answer.headers, text: await readText(answer, MAX_ANSWER_BYTES) };
    },
    serverTime: () => new Date(Date.now() + aheadMs),
  };
}

function bodyDigest(body: S3Call['body']): string {
  if (body === undefined) return EMPTY_SHA256;
  return typeof body === 'string' ? hash('sha256', body) : body.sha256.toString('hex');
}

function timeAnswer(request: ClientRequest, tell: (ms: number) => void): void {
  request.once('socket', socket => {
    // Not from the request's `finish`: where the event loop is busy, that is told together with the answer.
    const sent = () => {
      const sentAt = monotonicMs();
      request.once('response', () => tell(monotonicMs() - sentAt));
    };
    if (socket.connecting) socket.once(readyEvent(socket), sent);
    else sent();
  });
}

/** The event with which bytes begin to go out on a connection that is being made. */
function readyEvent(socket: Socket): 'secureConnect' | 'connect' {
  return 'encrypted' in socket ? 'secureConnect' : 'connect';
}

/** Sends the body and waits for the answer's head; what comes first, a failure or the answer, counts. */
function answerTo(request: ClientRequest, body: S3Call['body'], signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | undefined;
    const end = (error: Error) => {
      reject(error);
      answer?.destroy(error);
      request.destroy();
    };
    // An answer that has come in whole stands, whatever becomes of its connection then.
    const fail = (error: Error) => {
      if (!answer?.complete) end(error);
    };
    const onAbort = () => end(signal.reason);
    // Stays for good: an error after the answer (a reset while we hang up) must not become an uncaught one.
    request.on('error', fail);
    request.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      // Without an error of Node's: it drops a connection that the server wants for another protocol (101).
      if (!answer) reject(new ConnectionLost());
    });
    request.once('socket', socket => {
      if (!socket.connecting) return;
      const slow = setTimeout(() => fail(new ConnectTimeout()), CONNECT_TIMEOUT_MS);
      const over = () => clearTimeout(slow);
      socket.once(readyEvent(socket), over);
      socket.once('close', over);
    });
    request.once('response', head => {
      answer = head;
      resolve(head);
      // An answer before the whole body is a refusal: the rest is not sent, and the connection is of no more use.
      head.once('end', () => {
        if (!request.writableEnded) request.destroy();
      });
    });
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    if (typeof body === 'object') body.send(request).catch(fail);
    else request.end(body);
  });
}

class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT';
}

class ConnectionLost extends Error {
  readonly code = 'ECONNRESET';
}

/** Reads an answer. One that is longer is none of S3's: it is cut off with its connection, and is as good as empty. */
function readText(answer: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) return void chunks.push(chunk);
      resolve('');
      answer.destroy();
    });
    answer.once('end', () => resolve(Buffer.concat(chunks).toString()));
    // Stays: a connection that breaks after the end is no harm.
    answer.on('error', reject);
    // Who is told nothing more waits for nothing; the connection can have broken before anybody listened.
    const lost = () => {
      if (!answer.readableEnded) reject(answer.errored ?? new ConnectionLost());
    };
    if (answer.destroyed) lost();
    answer.once('close', lost);
  });
}
