import { AsyncLocalStorage } from 'node:async_hooks';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpHandlerOptions, HttpRequest, HttpResponse, RequestHandler } from '@smithy/types';
import { monotonicMs } from '../../clock.ts';
import type { Connections } from '../../http/connections.ts';
import { titleOf } from '../../page-title.ts';
import type { Body } from '../body.ts';
import type { StallWatch } from '../stall.ts';

/** One call of the bucket, while the SDK makes a request of it. */
export interface S3Call {
  readonly watch: StallWatch;
  /** The bytes that it sends, where it stores some. */
  body?: Body | undefined;
  /** Their MD5, where the bucket wants it. */
  contentMd5?: Buffer;
  /** The answer's body is handed on as a stream; else it is read whole. */
  readonly streamsAnswer?: boolean | undefined;
  /** What the store answered, as it came over the line: the SDK reports some statuses as others. */
  answer?: {
    status: number;
    headers: IncomingHttpHeaders;
    isEmpty: boolean;
    /** The beginning of a refusal that is neither XML nor a web page. */
    text?: string;
    /** The title of a refusal that is a web page. */
    title?: string | undefined;
  };
  /** Why there was no answer: the SDK changes errors that it passes on. */
  failure?: Error;
}

/**
 * What the SDK is given as a part's bytes: the handler sends the call's own body in its place. It is no stream, because the
 * SDK warns on the console of each request with a stream that fails.
 */
export const IN_SLICES = new Uint8Array(0);

/** The SDK hands neither signal nor pace through to its request handler, except at the price of its handler cache. */
export const currentCall = new AsyncLocalStorage<S3Call>();

/** More than any page of a list takes. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** A refusal may be any proxy's page. */
const MAX_REFUSAL_BYTES = 64 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/** What XML and web pages begin with. */
const LESS_THAN = 0x3c;

/** What `S3Client` takes as its `requestHandler`. */
export interface HttpHandler extends RequestHandler<HttpRequest, HttpResponse, HttpHandlerOptions> {
  httpHandlerConfigs(): object;
  updateHttpClientConfig(): void;
}

/**
 * Sends what the SDK has signed, on our own connections: the SDK's handler doubles the memory of a large upload and makes
 * it half as slow again. The bodies are written in slices, at the pace of the current call.
 * @param onRoundTrip told how long each answer to a request without a body took once it was connected, in milliseconds
 */
export function createRequestHandler(
  endpoint: string,
  connections: Connections,
  onRoundTrip: (ms: number) => void,
): HttpHandler {
  const begin = connections.to(new URL(endpoint));

  const send = async (sdkRequest: HttpRequest, call: S3Call) => {
    const { method, headers, body } = sdkRequest;
    const request = begin({ method, path: pathOf(sdkRequest), headers });
    if (body === undefined) timeAnswer(request, onRoundTrip);
    const answer = await answerTo(request, () => write(body, request, call), call.watch.abortSignal);
    const status = answer.statusCode ?? 0;
    call.answer = { status, headers: answer.headers, isEmpty: false };
    const isRefusal = status < 200 || status >= 300;
    if (call.streamsAnswer && !isRefusal) return { status, headers: answer.headers, body: answer };
    const bytes = await readWhole(answer, isRefusal ? MAX_REFUSAL_BYTES : MAX_ANSWER_BYTES);
    // A refusal that is too long counts as one without a reason: its status says enough.
    if (!bytes && !isRefusal) throw new AnswerTooLong();
    const document = trimDocument(bytes ?? Buffer.alloc(0));
    call.answer.isEmpty = document.length === 0;
    const text = isRefusal ? document.subarray(0, 1000).toString() : '';
    if (document[0] === LESS_THAN) call.answer.title = titleOf(text);
    else if (isRefusal) call.answer.text = text;
    return { status, headers: answer.headers, body: document };
  };
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(sdkRequest) {
      const call = currentCall.getStore();
      if (!call) throw new TypeError('a request outside of a call');
      try {
        const { status, headers, body } = await send(sdkRequest, call);
        return { response: { statusCode: status, headers: headerBag(headers), body } };
      } catch (error) {
        call.failure = error as Error;
        throw error;
      }
    },
    httpHandlerConfigs: () => ({}),
    updateHttpClientConfig() {},
    destroy: () => connections.close(),
  };
}

/** Encoded as the signature has it. */
function pathOf({ path, query = {} }: HttpRequest): string {
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    value === null ? encode(name) : [value].flat().map(one => `${encode(name)}=${encode(one)}`),
  );
  return parameters.length > 0 ? `${path}?${parameters.join('&')}` : path;
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The source of the bytes failed, not the store. */
export class BodyFailure extends Error {
  constructor(cause: unknown) {
    super('the body cannot be read', { cause });
  }
}

/** The body of the call, or the document that the SDK has made. */
async function write(body: unknown, request: ClientRequest, { body: ours, watch }: S3Call): Promise<void> {
  if (!ours) {
    request.end(body);
    return;
  }
  try {
    const isHeld = body instanceof Uint8Array && body.length > 0;
    await ours.send(request, watch.abortSignal, watch.moved, isHeld ? body : undefined);
  } catch (error) {
    throw watch.abortSignal.aborted ? error : new BodyFailure(error);
  }
}

function headerBag({ 'set-cookie': _, ...headers }: IncomingHttpHeaders): Record<string, string> {
  return headers as Record<string, string>;
}

function timeAnswer(request: ClientRequest, tell: (ms: number) => void): void {
  request.once('socket', socket => {
    // Not from the request's `finish`: when the event loop is busy, that event comes together with the answer.
    const sent = () => {
      const sentAt = monotonicMs();
      request.once('response', () => tell(monotonicMs() - sentAt));
    };
    if (socket.connecting) socket.once(readyEvent(socket), sent);
    else sent();
  });
}

/** The event with which bytes begin to go out on a new connection. */
function readyEvent(socket: Socket): 'secureConnect' | 'connect' {
  return 'encrypted' in socket ? 'secureConnect' : 'connect';
}

/** Sends the body and waits for the head of the answer. Whichever comes first, a failure or the answer, decides. */
function answerTo(request: ClientRequest, write: () => Promise<void>, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | undefined;
    const end = (error: Error) => {
      reject(error);
      answer?.destroy(error);
      request.destroy();
    };
    // A whole answer counts, whatever happens to its connection afterwards.
    const fail = (error: Error) => {
      if (!answer?.complete) end(error);
    };
    const onAbort = () => end(signal.reason);
    // This listener stays: an error after the answer (a reset while we hang up) must not become an uncaught one.
    request.on('error', fail);
    request.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      // Node reports no error when it drops a connection that the server wants for another protocol (101).
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
      // An answer before the whole body is a refusal: we send no more of the body, and drop the connection.
      head.once('end', () => {
        if (!request.writableEnded) request.destroy();
      });
    });
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    write().catch(fail);
  });
}

class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT';
}

class ConnectionLost extends Error {
  readonly code = 'ECONNRESET';
}

/** The answer has more bytes than any of S3's. */
export class AnswerTooLong extends Error {}

/** Reads an answer. One that is longer than `maxBytes` is cut off with its connection: undefined. */
function readWhole(answer: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) return void chunks.push(chunk);
      resolve(undefined);
      answer.destroy();
    });
    answer.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    // This listener stays: a connection that breaks after the end does no harm.
    answer.on('error', reject);
    // `close` without `end` means that the body was cut off. If the connection broke before we listened, no event will
    // come, so reject at once.
    const lost = () => {
      if (!answer.readableEnded) reject(answer.errored ?? new ConnectionLost());
    };
    if (answer.destroyed) lost();
    answer.once('close', lost);
  });
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Without a byte order mark and the white space after it, which the SDK's reader of XML takes for content. */
function trimDocument(bytes: Buffer): Buffer {
  const start = BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte) ? BYTE_ORDER_MARK.length : 0;
  let end = bytes.length;
  while (end > start && (bytes[end - 1] as number) <= 0x20) end--;
  return bytes.subarray(start, end);
}
