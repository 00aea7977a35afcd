import { randomBytes } from 'node:crypto';
import { control } from '../control.ts';
import type { FaultAction, Faults } from '../faults/faults.ts';
import { carryOut } from '../faults/inject.ts';
import { BodyBrokenOff, type Exchange } from '../http/exchange.ts';
import { type Reply, send } from '../http/reply.ts';
import { plainAddress } from '../receiver/ip-allow-list.ts';
import { RequestLog } from '../request-log.ts';
import type { Service } from './call.ts';
import { S3Error } from './errors.ts';
import { OPERATIONS } from './operations/operations.ts';
import { type Route, routeOf, type S3Operation } from './route.ts';
import { ANONYMOUS, authenticate, type Credentials, isAnonymous } from './sigv4.ts';
import { xmlError } from './xml.ts';

/** A request that the S3 server got. */
export interface S3Request {
  operation: S3Operation | 'Unknown';
  bucket: string;
  key: string;
  partNumber?: number | undefined;
  uploadId?: string | undefined;
  /** Null while, and where, no answer was sent. */
  status: number | null;
  /** The code of the error it was answered with. */
  errorCode?: string | undefined;
  /** Bytes of the body that came in, as they were on the wire. */
  bodyBytes: number;
  /** ISO 8601. */
  at: string;
  /** The client's. */
  address: string;
  connectionId: number;
}

export interface S3ServerParts {
  service: Service;
  credentials: Credentials;
  /** The only region whose signatures are accepted; any unless given. */
  requiredRegion?: string | undefined;
  /** Operations that the key may not do. */
  denied: () => ReadonlySet<S3Operation>;
  faults: Faults;
  now: () => number;
  closing: AbortSignal;
}

/** The S3 server's request handler, and its log. */
export function s3Handler(parts: S3ServerParts): {
  handle: (exchange: Exchange) => Promise<void>;
  log: RequestLog<S3Request>;
} {
  const log = new RequestLog<S3Request>();
  const controlled = { faults: parts.faults, requests: () => log.list(), resetRequests: () => log.reset() };

  async function handle(exchange: Exchange): Promise<void> {
    const { res } = exchange;
    try {
      if (exchange.rawPath.startsWith('/__')) {
        const reply = (await control(exchange, controlled)) ?? { status: 404 };
        return await send(exchange, reply, { nowMs: parts.now(), closing: parts.closing });
      }
      const ids = { requestId: randomBytes(8).toString('hex').toUpperCase(), resource: exchange.rawPath };
      res.setHeader('x-amz-request-id', ids.requestId);
      res.setHeader('Server', 'recordupload-sandbox');
      const { route, error } = readRoute(exchange);
      const entry = log.add(entryFor(exchange, route, parts.now()));
      const action = parts.faults.meet({ server: 's3', ...route });
      const now = () => parts.now() + (action.clockSkewMs ?? 0);
      // As it comes in: what breaks off, hangs or is dropped has its count, too.
      exchange.tap = () => {
        entry.bodyBytes = exchange.bodyBytes;
      };
      const refuse = (refusal: S3Error) => {
        entry.errorCode = refusal.code;
        return errorReply(refusal, ids);
      };
      const process = async () => {
        try {
          if (error) throw error;
          return await perform(parts, exchange, route, now());
        } catch (cause) {
          if (cause instanceof BodyBrokenOff) throw cause;
          return refuse(cause instanceof S3Error ? cause : internalError(cause));
        }
      };
      entry.status = await carryOut(exchange, {
        action,
        now,
        closing: parts.closing,
        process,
        renderAnswer: answer => renderAnswer(answer, ids),
        renderErrorInside: code => ({
          status: 200,
          headers: { 'Content-Type': 'application/xml' },
          body: `  \n\n${errorDocument(code, 'We encountered an internal error. Please try again.', {}, ids)}`,
        }),
      });
    } catch {
      // The client went away or the sandbox closes: nobody is there to be told.
      exchange.drop();
    }
  }

  return { handle, log };
}

/** A path that cannot be read is still a request: it is logged, and refused in its turn. */
function readRoute(exchange: Exchange): { route: Route; error?: unknown } {
  try {
    return { route: routeOf(exchange.req.method ?? 'GET', exchange.rawPath, exchange.rawQuery) };
  } catch (error) {
    return { route: { operation: 'Unknown', bucket: '', key: exchange.rawPath, query: [] }, error };
  }
}

function entryFor(exchange: Exchange, { query: _query, ...route }: Route, nowMs: number): S3Request {
  const at = new Date(nowMs).toISOString();
  const address = plainAddress(exchange.req.socket.remoteAddress ?? '');
  return { ...route, status: null, bodyBytes: 0, at, address, connectionId: exchange.connectionId };
}

async function perform(parts: S3ServerParts, exchange: Exchange, route: Route, nowMs: number): Promise<Reply> {
  const { req, rawPath } = exchange;
  const { service, credentials, requiredRegion } = parts;
  const request = { method: req.method ?? 'GET', rawPath, query: route.query, headers: req.headersDistinct };
  const { operation } = route;
  if ((operation === 'GetObject' || operation === 'HeadObject') && isAnonymous(request)) {
    // S3 does not tell strangers whether there is such an object.
    if (!service.catalog.isPublic(route.bucket, route.key)) throw new S3Error('AccessDenied', 'Access Denied.');
    return OPERATIONS[operation]({ service, route, exchange, signature: ANONYMOUS, nowMs });
  }
  const signature = authenticate(request, credentials, { nowMs, region: requiredRegion });
  if (route.operation === 'Unknown') {
    throw new S3Error('NotImplemented', 'A header or query you provided implies functionality that is not implemented');
  }
  if (parts.denied().has(route.operation)) throw new S3Error('AccessDenied', 'Access Denied.');
  return OPERATIONS[route.operation]({ service, route, exchange, signature, nowMs });
}

interface ErrorIds {
  requestId: string;
  resource: string;
}

function errorReply(error: S3Error, ids: ErrorIds): Reply {
  return {
    status: error.status,
    headers: { 'Content-Type': 'application/xml', ...error.headers },
    body: errorDocument(error.code, error.message, error.details, ids),
  };
}

function renderAnswer(answer: NonNullable<FaultAction['answer']>, ids: ErrorIds): Reply {
  const { status, headers = {}, body, code = 'InternalError', details = {} } = answer;
  if (body !== undefined) return { status, headers, body };
  const { message = 'This answer was asked for by a fault rule.' } = answer;
  const document = errorDocument(code, message, details, ids);
  return status < 300
    ? { status, headers }
    : { status, headers: { 'Content-Type': 'application/xml', ...headers }, body: document };
}

function errorDocument(code: string, message: string, details: S3Error['details'], ids: ErrorIds): string {
  return xmlError({
    Code: code,
    Message: message,
    ...details,
    Resource: ids.resource,
    RequestId: ids.requestId,
    HostId: 'sandbox',
  });
}

/** Our own failure, such as a full disk: told as S3 tells it, with the system's reason for whoever debugs. */
function internalError(cause: unknown): S3Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new S3Error('InternalError', `We encountered an internal error. Please try again. (${reason})`);
}
