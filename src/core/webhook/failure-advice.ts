import { displayUrl, type Redactor } from '../redact.ts';
import { printableLine } from '../text.ts';
import { opensslReason } from '../tls-failure.ts';
import { describeForeign, faultAdvice, foreignAdvice } from './foreign-answer.ts';
import type { Answer, NetworkFailure, SettledResult } from './post-result.ts';
import { isWebPage, readRefusal } from './read-answer.ts';

/** Where a webhook was sent. */
export interface SentTo {
  url: string;
  /** The payload's `recording_id`; undefined: no recording that could be sent again. */
  recordingId?: string | undefined;
  /** The payload's `user_info.email`. */
  email?: string | undefined;
  /** The endpoint's name. */
  endpoint?: string | undefined;
  /** Where the token is configured. */
  tokenFrom?: string | undefined;
}

type Network = Extract<SettledResult, { kind: 'network' }>;

/** For each part of the way that can fail: what happened, and what to check. */
const NETWORK: Record<NetworkFailure, (failure: Network, url: URL) => string> = {
  dns: (_, url) =>
    `the name ${url.hostname} could not be resolved; check the host in webhook.url, and this machine's DNS and network`,
  refused: (_, url) =>
    `nothing listens at ${url.host} (connection refused); check that the server is running, and the port in webhook.url`,
  reset: ({ code }, url) =>
    `${url.host} closed the connection before it answered (${code}); check the server's log, and any proxy in between`,
  tls: ({ code, message }, url) => tlsAdvice(code, message, url),
  proxy: ({ message, proxyVariable = 'HTTPS_PROXY' }) =>
    `the proxy could not be used: ${message}; check ${proxyVariable}, or name the server in NO_PROXY to bypass it`,
  unreachable: ({ code }, url) =>
    `${url.host} cannot be reached (${code}); check this machine's network, routes and firewall`,
  files: (_, url) => `too many open files to connect to ${url.host}; raise the limit on open files (ulimit -n 256)`,
  other: ({ code, message }, url) => `the connection to ${url.host} failed: ${message} (${code})`,
};

/** What the server means by a status that came with the contract's JSON, and what to do. */
const REFUSALS: Record<number, (message: string, sent: SentTo) => string> = {
  400: message =>
    `the server says that the payload is wrong${says(message)}; check user.email, then run "recordupload retry --held"`,
  401: (message, { tokenFrom = 'webhook.token (WEBHOOK_TOKEN)' }) =>
    `the server does not accept the token${says(message)}; set ${tokenFrom} to the server's token, and ` +
    'the waiting deliveries will be sent',
  403: message =>
    `the server forbids the request${says(message)}; check the token, and whether this machine's address is on the ` +
    "server's allow-list",
  404: (message, sent) => notFoundAdvice(message, sent),
};

/** What a status means, whatever came with it. */
const STATUSES: Record<number, string> = {
  408: 'the server waited too long for the request',
  425: 'the server asks to send it later',
  429: 'the server limits how often it is called',
};

/**
 * Explains in plain words why an attempt was not accepted, and what to do next.
 * @param redact applied to everything that comes from outside, before it is cut to length
 */
export function failureAdvice(result: SettledResult, sent: SentTo, redact: Redactor): string {
  if (result.kind === 'timeout') {
    return `no complete response within ${result.timeoutMs / 1000} s; check that the server is not overloaded`;
  }
  if (result.kind === 'network') {
    return NETWORK[result.what]({ ...result, message: redact.foreign(result.message) }, new URL(sent.url));
  }
  return result.status < 400 ? unconfirmed(result, sent, redact) : refusal(result, sent, redact);
}

/** A status below 400 that is no confirmation. */
function unconfirmed(answer: Answer, sent: SentTo, redact: Redactor): string {
  const { status } = answer;
  if (status < 200) return `the server gave no final response (status ${status})`;
  if (status >= 300) return redirectAdvice(answer, sent, redact);
  return (
    `status ${status}, but ${describeForeign(answer, redact)} instead of the server's confirmation, so the webhook does ` +
    'not count as delivered; check that webhook.url is the recordings server, and that no proxy or login page answers in its place'
  );
}

function refusal(answer: Answer, sent: SentTo, redact: Redactor): string {
  const { status } = answer;
  const known = status === 410 && !isWebPage(answer) ? goneAdvice(sent) : STATUSES[status];
  if (known !== undefined) return known;
  const words = readRefusal(answer);
  const message = words === undefined ? undefined : redact.foreign(words);
  if (status >= 500) {
    const what = message === undefined ? `: ${describeForeign(answer, redact)}` : says(message);
    return `the server, or a proxy before it, has a fault (status ${status})${what}${faultAdvice(answer, sent.url)}`;
  }
  if (message === undefined) {
    const what = describeForeign(answer, redact);
    return `something before the server answered with status ${status}: ${what}; ${foreignAdvice(answer, sent.url)}`;
  }
  return REFUSALS[status]?.(message, sent) ?? `the server rejects the request with status ${status}${says(message)}`;
}

function goneAdvice({ endpoint = 'default' }: SentTo): string {
  return (
    'the server says that this address is gone for good; the endpoint is disabled: correct webhook.url, then run ' +
    `"recordupload webhook enable ${endpoint}"`
  );
}

function redirectAdvice({ status, location }: Answer, sent: SentTo, redact: Redactor): string {
  if (!location) return `the server answers with status ${status} and names no new address; check webhook.url`;
  const target = URL.canParse(location, sent.url) ? new URL(location, sent.url).href : location;
  const address = redact.foreign(displayUrl(target));
  return (
    `the server redirects to ${address.slice(0, 300)}, which is never followed (the token would go along); ` +
    'if that address is right, set webhook.url to it, then run "recordupload retry --held"'
  );
}

function notFoundAdvice(message: string, sent: SentTo): string {
  // Only these words of the contract are about the e-mail.
  if (!/^No user found/i.test(message)) return `the server rejects the request with status 404${says(message)}`;
  const email = sent.email ?? '';
  // The contract's wording would only repeat the e-mail.
  const more = email !== '' && message.endsWith(`: ${email}`) ? '' : says(message);
  return (
    `the server knows no user with the e-mail ${JSON.stringify(email)}${more}; upper and lower case matter: correct ` +
    `user.email, or have the user created, then run "recordupload retry --held"${otherSource(sent)}`
  );
}

/** Only an address of the configuration is corrected there. */
function otherSource({ recordingId }: SentTo): string {
  return recordingId === undefined
    ? ''
    : `; an address from a recording.json, or given with --email, is replaced with "recordupload webhook send ${recordingId} --email <address>"`;
}

function tlsAdvice(code: string, message: string, url: URL): string {
  if (/EXPIRED/.test(code)) return `the certificate of ${url.host} has expired (${code}); the server needs a new one`;
  if (/ALTNAME|HOSTNAME/.test(code)) {
    return `the certificate is not for ${url.hostname} (${code}); check the host in webhook.url`;
  }
  if (/SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO/.test(code)) {
    return (
      `the certificate of ${url.host} is from an authority that this machine does not trust (${code}); ` +
      'name its CA certificate in caFile or NODE_EXTRA_CA_CERTS'
    );
  }
  return `no secure connection to ${url.host}: ${opensslReason(message)} (${code}); check the scheme and the port of webhook.url`;
}

/** `: "…"` with the server's own words, or nothing if there are none. */
function says(message: string): string {
  return message.trim() === '' ? '' : `: ${JSON.stringify(printableLine(message).slice(0, 200))}`;
}
