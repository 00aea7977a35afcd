import { control } from '../control.ts';
import type { Faults } from '../faults/faults.ts';
import { carryOut } from '../faults/inject.ts';
import type { Exchange } from '../http/exchange.ts';
import { json, type Reply, send } from '../http/reply.ts';
import { RequestLog } from '../request-log.ts';
import type { Gate } from './gate.ts';
import { plainAddress } from './ip-allow-list.ts';
import type { TokenState } from './token.ts';
import { refusal, takeWebhook, type WebhookParts } from './webhook.ts';

/** A request that the recordings server got, the token told only as what it was. */
export interface ReceiverRequest {
  method: string;
  path: string;
  /** Lower-case names; `x-webhook-token` is not among them, see `token`. */
  headers: Record<string, string>;
  token: TokenState;
  address: string;
  /** The body as it came, as text. */
  body: string;
  /** ISO 8601. */
  at: string;
  /** Null while, and where, no answer was sent. */
  status: number | null;
  connectionId: number;
}

export interface ReceiverParts extends WebhookParts {
  gate: Gate;
  /** Takes the client's address from the last entry of `X-Forwarded-For`. */
  trustForwardedFor: boolean;
  faults: Faults;
  now: () => number;
  closing: AbortSignal;
}

const WEBHOOK_PATH = '/recordings/webhook/';
const MAX_BODY_BYTES = 1024 * 1024;
const SECRET_HEADERS = new Set(['x-webhook-token', 'authorization', 'cookie', 'proxy-authorization']);

/** The recordings server's request handler, and its log. */
export function receiverHandler(parts: ReceiverParts): {
  handle: (exchange: Exchange) => Promise<void>;
  log: RequestLog<ReceiverRequest>;
} {
  const { gate, faults, closing } = parts;
  const log = new RequestLog<ReceiverRequest>();
  const controlled = {
    faults,
    requests: () => log.list(),
    resetRequests: () => log.reset(),
    lists: { '/__auth_failures': () => gate.failures },
  };

  async function handle(exchange: Exchange): Promise<void> {
    try {
      if (exchange.rawPath.startsWith('/__')) {
        const reply = (await control(exchange, controlled)) ?? { status: 404 };
        return await send(exchange, reply, { nowMs: parts.now(), closing });
      }
      const entry = log.add(entryFor(exchange, parts));
      const isWebhook = exchange.rawPath === WEBHOOK_PATH;
      const action = isWebhook ? faults.meet({ server: 'webhook', operation: 'Webhook' }) : {};
      const now = () => parts.now() + (action.clockSkewMs ?? 0);
      const chunks: Buffer[] = [];
      exchange.tap = chunk => {
        if (exchange.bodyBytes > MAX_BODY_BYTES) return;
        chunks.push(chunk);
        // At once and not at the end: a request that is left hanging has been read, too.
        entry.body = Buffer.concat(chunks).toString('utf8');
      };
      entry.status = await carryOut(exchange, {
        action,
        now,
        closing,
        process: () => (isWebhook ? answerWebhook(exchange, chunks, entry.address, now()) : answerRead(exchange)),
        renderAnswer: ({ status, headers, body, code }) =>
          body === undefined
            ? refusal(status, code ?? 'This answer was asked for by a fault rule', headers)
            : { status, headers, body },
        renderErrorInside: code => json(200, { status: 'error', message: code }),
      });
    } catch {
      // The client went away or the sandbox closes: nobody is there to be told.
      exchange.drop();
    }
  }

  async function answerWebhook(exchange: Exchange, chunks: Buffer[], address: string, nowMs: number): Promise<Reply> {
    const { method = 'GET', headersDistinct: headers } = exchange.req;
    const announcedBytes = Number(headers['content-length']?.[0] ?? 0);
    if (announcedBytes <= MAX_BODY_BYTES) await exchange.drain();
    if (Math.max(announcedBytes, exchange.bodyBytes) > MAX_BODY_BYTES) return refusal(413, 'Request body too large');
    const body = Buffer.concat(chunks);
    const visitor = { method, path: exchange.rawPath, address, headers, body, nowMs };
    return gate.check(visitor) ?? takeWebhook(body, parts, nowMs);
  }

  async function answerRead({ req, rawPath }: Exchange): Promise<Reply> {
    const id = /^\/recordings\/(?:([^/]+)\/)?$/.exec(rawPath);
    // As Django's APPEND_SLASH does.
    if (!id && /^\/recordings(\/[^/]+)?$/.test(rawPath)) return { status: 301, headers: { Location: `${rawPath}/` } };
    if (!id) return refusal(404, 'Not found');
    if (req.method !== 'GET' && req.method !== 'HEAD')
      return refusal(405, 'Method not allowed', { Allow: 'GET, HEAD' });
    if (id[1] === undefined) return json(200, parts.recordings.list());
    const row = parts.recordings.get(decoded(id[1]));
    return row ? json(200, row) : refusal(404, 'Not found');
  }

  return { handle, log };
}

function entryFor({ req, rawPath, connectionId }: Exchange, parts: ReceiverParts): ReceiverRequest {
  const headers = req.headersDistinct;
  const forwarded = headers['x-forwarded-for']?.at(-1)?.split(',').at(-1)?.trim();
  const address = (parts.trustForwardedFor && forwarded) || req.socket.remoteAddress || '';
  const shown = Object.entries(headers).filter(([name]) => !SECRET_HEADERS.has(name));
  return {
    method: req.method ?? 'GET',
    path: rawPath,
    headers: Object.fromEntries(shown.map(([name, values = []]) => [name, values.join(', ')])),
    token: parts.gate.tokenState(headers['x-webhook-token']?.join(',')),
    address: plainAddress(address),
    body: '',
    at: new Date(parts.now()).toISOString(),
    status: null,
    connectionId,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
