import { types } from 'node:util';
import { proxyVariables } from '../http/proxy-variables.ts';
import type { NetworkFailure } from './post-result.ts';

/** By the start of the error's code; the first that matches. */
const TABLE: readonly [pattern: RegExp, what: NetworkFailure][] = [
  [/^ERR_PROXY/, 'proxy'],
  [/^(ENOTFOUND|EAI_|EDNS|ENODATA|ESERVFAIL)/, 'dns'],
  [/^ECONNREFUSED$/, 'refused'],
  [/^(EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|EHOSTDOWN|ETIMEDOUT)$/, 'unreachable'],
  [
    /^(ERR_TLS|ERR_SSL|CERT_|EPROTO$|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|CRL_|ERR_OSSL)/,
    'tls',
  ],
  [/^(ECONNRESET|EPIPE|ECONNABORTED|HPE_|ERR_HTTP_CONTENT_LENGTH_MISMATCH|ERR_STREAM_PREMATURE_CLOSE)/, 'reset'],
];

/** The facts about a failed connection. None of them is part of the request. */
export interface NetworkError {
  code: string;
  message: string;
  /** The port and the host that the system tried to reach, if it names them. */
  port?: number | undefined;
  hostname?: string | undefined;
}

/**
 * Reduces what got, Node's HTTP or TLS threw to the system's code and message. Passes nothing else on: got's errors hold
 * the request's options, and so the token.
 */
export function readNetworkError(error: unknown): NetworkError {
  let innermost = error;
  for (let depth = 0; depth < 5; depth++) {
    // Node tried several addresses (IPv6, IPv4): report the last.
    if (!types.isNativeError(innermost)) break;
    const several = (innermost as Partial<AggregateError>).errors;
    if (Array.isArray(several) && several.length > 0) innermost = several.at(-1);
    else if (types.isNativeError(innermost.cause)) innermost = innermost.cause;
    else break;
  }
  const { code, message, port, hostname } = (innermost ?? {}) as Partial<NetworkError>;
  return {
    code: typeof code === 'string' ? code : 'UNKNOWN',
    message: typeof message === 'string' ? message : 'unknown error',
    port: typeof port === 'number' ? port : undefined,
    hostname: typeof hostname === 'string' ? hostname : undefined,
  };
}

/**
 * Finds out which part of the way to the server failed.
 * @param proxy the proxy for this URL, if any: a failure on the way to the proxy is the proxy's
 */
export function classifyNetworkError(error: NetworkError, url: URL, proxy: URL | undefined): NetworkFailure {
  const what = TABLE.find(([pattern]) => pattern.test(error.code))?.[1] ?? 'other';
  if (proxy && what !== 'tls') {
    const isProxyHost = error.hostname === proxy.hostname && error.hostname !== url.hostname;
    const isProxyPort = error.port !== undefined && error.port === portOf(proxy) && error.port !== portOf(url);
    if (isProxyHost || isProxyPort) return 'proxy';
  }
  return what;
}

/** The proxy that the environment names for this URL. For messages only: it ignores `NO_PROXY`, which Node applies. */
export function proxyFor(url: URL, env: Readonly<Record<string, string | undefined>> | undefined): URL | undefined {
  const names = url.protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const proxies = proxyVariables(env);
  const text = names.map(name => proxies?.[name]).find(value => value);
  return text ? new URL(text) : undefined;
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
}
