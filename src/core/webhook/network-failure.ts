import { types } from 'node:util';
import type { NetworkFailure } from './post-result.ts';

/** By the start of the error's code; the first that matches. */
const TABLE: readonly [pattern: RegExp, what: NetworkFailure][] = [
  [/^ERR_PROXY/, 'proxy'],
  [/^(ENOTFOUND|EAI_|EDNS|ENODATA|ESERVFAIL)/, 'dns'],
  [/^ECONNREFUSED$/, 'refused'],
  [/^(EMFILE|ENFILE)$/, 'files'],
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
  const { code, message } = (innermost ?? {}) as Partial<NetworkError>;
  return {
    code: typeof code === 'string' ? code : 'UNKNOWN',
    message: typeof message === 'string' ? message : 'unknown error',
  };
}

/**
 * Finds out which part of the way to the server failed.
 * @param isProxied the request went through a proxy: then only the proxy is looked up and connected to
 */
export function classifyNetworkError({ code }: NetworkError, { isProxied }: { isProxied: boolean }): NetworkFailure {
  const what = TABLE.find(([pattern]) => pattern.test(code))?.[1] ?? 'other';
  return isProxied && ON_THE_WAY.has(what) ? 'proxy' : what;
}

const ON_THE_WAY: ReadonlySet<NetworkFailure> = new Set(['dns', 'refused', 'unreachable']);
