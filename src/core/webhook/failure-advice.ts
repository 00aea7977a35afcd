import { printableLine } from '../text.ts';
import type { Answer, NetworkFailure, SettledResult } from './post-result.ts';
import { isWebPage, serverMessage } from './read-answer.ts';
import type { Redactor } from './redact.ts';

/** Where a webhook was sent. */
export interface SentTo {
  url: string;
  /** The payload's `user_info.email`. */
  email?: string | undefined;
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
  proxy: ({ message }) =>
    `the proxy could not be used: ${message}; check HTTPS_PROXY, or name the server in NO_PROXY to bypass it`,
  unreachable: ({ code }, url) =>
    `${url.host} cannot be reached (${code}); check this machine's network, routes and firewall`,
  other: ({ code, message }, url) => `the connection to ${url.host} failed: ${message} (${code})`,
};

/** For each status: what the server means by it, and what to do. The other statuses are described by their class. */
const STATUSES: Record<number, (answer: Answer, sent: SentTo) => string> = {
  400: answer =>
    `the server says that the payload is wrong${says(answer)}; check user.email, then run "recordupload retry --held"`,
  401: answer =>
    `the server does not accept the token${says(answer)}; set webhook.token (WEBHOOK_TOKEN) to the server's token, and ` +
    'the waiting deliveries will be sent',
  403: answer =>
    `the server forbids the request${says(answer)}; check the token, and whether this machine's address is on the ` +
    "server's allow-list",
  404: (answer, sent) => notFoundAdvice(answer, sent),
  408: () => 'the server waited too long for the request',
  410: answer =>
    `the server says that this address is gone for good${says(answer)}; the endpoint is disabled: correct webhook.url, ` +
    'then run "recordupload webhook enable"',
  413: answer =>
    `the payload is too large for the server${says(answer)}; check the limits of the server and of any proxy before it`,
  425: () => 'the server asks to send it later',
  429: answer => `the server limits how often it is called${says(answer)}`,
};

/**
 * Explains in plain words why an attempt was not accepted, and what to do next.
 * @param redact applied to everything that comes from outside, before it is cut to length
 */
export function failureAdvice(received: SettledResult, sent: SentTo, redact: Redactor): string {
  const result = redacted(received, redact);
  if (result.kind === 'timeout') {
    return `no complete response within ${result.timeoutMs / 1000} s; check that the server is not overloaded`;
  }
  if (result.kind === 'network') return NETWORK[result.what](result, new URL(sent.url));
  const known = STATUSES[result.status];
  if (known) return known(result, sent);
  if (result.status < 200) return `the server gave no final response (status ${result.status})`;
  if (result.status < 300) return notTheContract(result);
  if (result.status < 400) return redirectAdvice(result, sent);
  if (result.status < 500) return `the server rejects the request with status ${result.status}${says(result)}`;
  return `the server, or a proxy before it, has a fault (status ${result.status})${says(result)}`;
}

function redirectAdvice({ status, location }: Answer, sent: SentTo): string {
  if (!location) return `the server answers with status ${status} and names no new address; check webhook.url`;
  const target = URL.canParse(location, sent.url) ? new URL(location, sent.url) : undefined;
  const address = printableLine(target ? target.origin + target.pathname + (target.search && '?…') : location);
  return (
    `the server redirects to ${address.slice(0, 300)}, which is never followed (the token would go along); ` +
    'if that address is right, set webhook.url to it, then run "recordupload retry --held"'
  );
}

function notFoundAdvice(answer: Answer, sent: SentTo): string {
  // Only the contract's own response is about the e-mail; any other 404 is about the URL.
  const message = serverMessage(answer);
  if (message === undefined) {
    return `there is nothing at ${sent.url}${says(answer)}; check the path in webhook.url, including the slash at its end`;
  }
  const email = sent.email ?? '';
  // The contract's wording would only repeat the e-mail.
  const more = email !== '' && message.endsWith(`: ${email}`) ? '' : says(answer);
  return (
    `the server knows no user with the e-mail ${JSON.stringify(email)}${more}; upper and lower case matter: correct ` +
    'user.email, or have the user created, then run "recordupload retry --held"'
  );
}

function notTheContract(answer: Answer): string {
  const what = isWebPage(answer) ? 'an HTML page' : answer.body.trim() === '' ? 'an empty body' : 'something else';
  return (
    `status ${answer.status}, but ${what} instead of the server's confirmation, so the webhook does not count as ` +
    'delivered; check that webhook.url is the recordings server, and that no proxy or login page answers in its place'
  );
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

/** `wrong version number` out of OpenSSL's `write EPROTO 40…:error:0A00010B:SSL routines:tls_…:wrong version number:../deps/…`. */
function opensslReason(message: string): string {
  return printableLine(/:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message).trim();
}

/** `: "…"` with the server's own message, or a note that a web page came. */
function says(answer: Answer): string {
  const message = serverMessage(answer);
  if (message) return `: ${JSON.stringify(printableLine(message).slice(0, 200))}`;
  return isWebPage(answer) ? ' (it answered with an HTML page)' : '';
}

/** The result with the server's own words redacted, also where JSON escapes hide a secret. */
function redacted(result: SettledResult, redact: Redactor): SettledResult {
  if (result.kind === 'timeout') return result;
  if (result.kind === 'network') return { ...result, message: redact(result.message) };
  const message = serverMessage(result);
  return {
    ...result,
    body: message === undefined ? redact(result.body) : JSON.stringify({ message: redact(message) }),
    location: result.location && redact(result.location),
  };
}
