import { parseObject } from './json-object.ts';
import type { Sent, SettledResult } from './outcome.ts';
import type { NetworkFailure } from './post-result.ts';
import { type Redactor, showControls } from './redact.ts';

type Answer = Extract<SettledResult, { kind: 'answer' }>;
type Network = Extract<SettledResult, { kind: 'network' }>;

/** By which part of the way is broken: what happened, and what to look at. */
const NETWORK: Record<NetworkFailure, (failure: Network, url: URL) => string> = {
  dns: (_, url) =>
    `the name ${url.hostname} could not be resolved; check the host in webhook.url, and this machine's DNS and network`,
  refused: (_, url) =>
    `nothing listens at ${url.host} (connection refused); check that the server runs, and the port in webhook.url`,
  reset: ({ code }, url) =>
    `${url.host} broke the connection off before it answered (${code}); check the server's log, and proxies between`,
  tls: ({ code, message }, url) => tlsAdvice(code, message, url),
  proxy: ({ message }) =>
    `the proxy could not be used: ${message}; check HTTPS_PROXY, or name the server in NO_PROXY to go around it`,
  unreachable: ({ code }, url) =>
    `${url.host} cannot be reached (${code}); check this machine's network, routes and firewall`,
  other: ({ code, message }, url) => `the connection to ${url.host} failed: ${message} (${code})`,
};

/** By status: what the server means by it, and what to do. Statuses that are not here are described in general. */
const STATUSES: Record<number, (answer: Answer, sent: Sent) => string> = {
  400: answer =>
    `the server says that the payload is wrong${says(answer)}; check user.email, then run "recordupload retry --held"`,
  401: answer =>
    `the server does not accept the token${says(answer)}; put the server's token into webhook.token (WEBHOOK_TOKEN), ` +
    'the waiting deliveries go out by themselves then',
  403: answer =>
    `the server forbids it${says(answer)}; check the token, and whether this machine's address is on the server's allow-list`,
  404: (answer, sent) => notFoundAdvice(answer, sent),
  408: () => 'the server waited too long for the request',
  410: answer =>
    `the server says that this address is gone for good${says(answer)}; the endpoint is disabled: correct webhook.url, ` +
    'then run "recordupload webhook enable"',
  413: answer => `the payload is too large for the server${says(answer)}; look at the server's or its proxy's limits`,
  425: () => 'the server asks to send it later',
  429: answer => `the server limits how often it is called${says(answer)}`,
};

/**
 * Plain words for a try that was not accepted, and what to do next.
 * @param redact applied to all that is of foreign origin, before it is cut to length
 */
export function failureAdvice(received: SettledResult, sent: Sent, redact: Redactor): string {
  const result = redacted(received, redact);
  if (result.kind === 'timeout') {
    const seconds = result.timeoutMs / 1000;
    return `no complete answer within ${seconds} s; check that the server is not overloaded`;
  }
  if (result.kind === 'network') return NETWORK[result.what](result, new URL(sent.url));
  const known = STATUSES[result.status];
  if (known) return known(result, sent);
  if (result.status < 200) return `the server gave no final answer (status ${result.status})`;
  if (result.status < 300) return acceptedWrongly(result);
  if (result.status < 400) return redirectAdvice(result, sent);
  if (result.status < 500) return `the server rejects the request with status ${result.status}${says(result)}`;
  return `the server, or a proxy before it, has a fault (status ${result.status})${says(result)}`;
}

function redirectAdvice(answer: Answer, sent: Sent): string {
  if (!answer.location) {
    return `the server answers with status ${answer.status} and names no new address; check webhook.url`;
  }
  const target = URL.canParse(answer.location, sent.url) ? new URL(answer.location, sent.url) : undefined;
  const address = showControls(target ? target.origin + target.pathname + (target.search && '?…') : answer.location);
  return (
    `the server redirects to ${address.slice(0, 300)}, which is never followed (the token would go along); ` +
    'if that address is right, set webhook.url to it, then run "recordupload retry --held"'
  );
}

function notFoundAdvice(answer: Answer, sent: Sent): string {
  // Only the contract's own answer is about the e-mail; a bare 404 is about the address.
  const message = messageOf(answer);
  if (message === undefined) {
    return `there is nothing at ${sent.url}${says(answer)}; check the path in webhook.url, the slash at its end included`;
  }
  const email = sent.email ?? '';
  // Its usual words say the same again.
  const own = email !== '' && message.endsWith(`: ${email}`) ? '' : says(answer);
  return (
    `the server knows no user with the e-mail ${JSON.stringify(email)}${own}; capitals count: correct ` +
    'user.email, or have the user created, then run "recordupload retry --held"'
  );
}

function acceptedWrongly(answer: Answer): string {
  const what = isHtml(answer) ? 'an HTML page' : answer.body.trim() === '' ? 'an empty body' : 'something else';
  return (
    `status ${answer.status}, but ${what} instead of the server's confirmation, so the recording does not count as ` +
    'known; check that webhook.url is the recordings server and that no proxy or login page answers for it'
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
      'name its CA certificate by caFile or NODE_EXTRA_CA_CERTS'
    );
  }
  return `no secure connection to ${url.host}: ${opensslReason(message)} (${code}); check that webhook.url has the right port and scheme`;
}

/** `wrong version number` out of OpenSSL's `write EPROTO 40…:error:0A00010B:SSL routines:tls_…:wrong version number:../deps/…`. */
function opensslReason(message: string): string {
  return showControls(/:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message).trim();
}

/** `: "…"` with the server's own message, or what kind of page it sent instead. */
function says(answer: Answer): string {
  const message = messageOf(answer);
  if (message) return `: ${JSON.stringify(showControls(message).slice(0, 200))}`;
  return isHtml(answer) ? ' (it answered with an HTML page)' : '';
}

function messageOf(answer: Answer): string | undefined {
  const message = parseObject(answer.body)?.message;
  return typeof message === 'string' ? message : undefined;
}

function isHtml(answer: Answer): boolean {
  return /html/i.test(answer.contentType ?? '') || /^\s*<(!doctype|html)/i.test(answer.body);
}

/** The same with the server's own words redacted, also those that were written in JSON escapes. */
function redacted(result: SettledResult, redact: Redactor): SettledResult {
  if (result.kind === 'timeout') return result;
  if (result.kind === 'network') return { ...result, message: redact(result.message) };
  const message = messageOf(result);
  return {
    ...result,
    body: message === undefined ? redact(result.body) : JSON.stringify({ message: redact(message) }),
    location: result.location && redact(result.location),
  };
}
