import { EXIT } from '../../src/cli/exit-codes.ts';
import { createRedactor } from '../../src/core/redact.ts';
import { judge } from '../../src/core/webhook/outcome.ts';
import type { NetworkFailure, SettledResult } from '../../src/core/webhook/post-result.ts';
import type { FaultAnswer } from '../../src/sandbox/faults/faults.ts';
import { makeRecording } from '../support/make-recording.ts';
import type { Meeting } from './meeting.ts';

const exit = EXIT.webhook;
const ANSWERS = { 'content-type': 'text/html' };

/** The server answers so to `webhook test`. Here the message says what to do next itself. */
const answered = (answer: FaultAnswer, says: string): Meeting => ({
  says,
  exit,
  meet: (_desk, { faults }) => {
    faults.add({ server: 'webhook', action: { answer } });
    return ['webhook', 'test'];
  },
});
const addressed = (url: string, says: string, env: NodeJS.ProcessEnv = {}): Meeting => ({
  says,
  exit,
  env: { WEBHOOK_URL: url, ...env },
  meet: () => ['webhook', 'test'],
});
/** The contract's refusal. */
const refusal = (message: string) => JSON.stringify({ status: 'error', message });
const before = (status: number, what: string, advice: string) =>
  `something before the server answered with status ${status}: ${what}; ${advice}`;
const AFTER_MENDING = 'then run "recordupload retry --held"';

export const WEBHOOKS: readonly Meeting[] = [
  answered(
    { status: 407, body: '<html>', headers: ANSWERS },
    before(407, 'an HTML page', 'the proxy wants a user name and a password; put them into its address in HTTP_PROXY'),
  ),
  answered({ status: 400 }, `the server says that the payload is wrong: "…"; check user.email, ${AFTER_MENDING}`),
  {
    says: 'the server does not accept the token: "Invalid or missing authentication token"; set webhook.token (WEBHOOK_TOKEN) to the server\'s token, and the waiting deliveries will be sent',
    exit,
    env: { WEBHOOK_TOKEN: 'fake-token-of-nobody' },
    meet: () => ['webhook', 'test'],
  },
  answered(
    { status: 403, body: refusal('not from here') },
    'the server forbids the request: "not from here"; check the token, and whether this machine\'s address is on the server\'s allow-list',
  ),
  answered(
    { status: 403, headers: ANSWERS, body: '<title>Blocked</title>' },
    before(
      403,
      'an HTML page ("Blocked")',
      "a firewall or gateway blocks the request; have this machine's address, or the path of the webhook, allowed there",
    ),
  ),
  answered(
    { status: 403, headers: ANSWERS, body: '<html>CSRF verification failed' },
    before(
      403,
      'an HTML page',
      "Django's CSRF protection answers like this where webhook.url names a page and not the webhook; check its path",
    ),
  ),
  answered(
    { status: 400, headers: ANSWERS, body: '<h1>Bad Request (400)</h1>' },
    before(
      400,
      'an HTML page ("Bad Request (400)")',
      'Django answers like this if 127.0.0.1 is not in its ALLOWED_HOSTS; check the host in webhook.url, or have it added there',
    ),
  ),
  answered(
    { status: 401, headers: { 'content-encoding': 'gzip' }, body: 'x' },
    before(
      401,
      'a response in the coding gzip, which was not asked for',
      'a proxy or gateway before the server wants a login of its own; have webhooks exempted from it',
    ),
  ),
  answered({ status: 404, body: refusal('no') }, 'the server rejects the request with status 404: "no"'),
  {
    says: `the server knows no user with the e-mail "nobody@example.com"; upper and lower case matter: correct user.email, or have the user created, ${AFTER_MENDING}`,
    exit,
    meet: () => ['webhook', 'test', '--email', 'nobody@example.com'],
  },
  answered(
    { status: 404, body: '' },
    before(404, 'an empty body', 'check the path in webhook.url (/…), including the slash at its end'),
  ),
  answered({ status: 408 }, 'the server waited too long for the request'),
  answered(
    { status: 410 },
    'the server says that this address is gone for good; the endpoint is disabled: correct webhook.url, then run "recordupload webhook enable default"',
  ),
  answered(
    { status: 413, body: '' },
    before(413, '…', 'the payload is too large for it; check the limits of any proxy before the server'),
  ),
  answered({ status: 425 }, 'the server asks to send it later'),
  answered({ status: 429, body: '' }, 'the server limits how often it is called'),
  answered(
    { status: 418, body: '{"message":"no Route matched"}' },
    before(
      418,
      'JSON of another program ("no Route matched")',
      'check webhook.url, and any proxy, gateway or firewall before the server',
    ),
  ),
  answered({ status: 418, body: refusal('teapot') }, 'the server rejects the request with status 418: "teapot"'),
  answered({ status: 503, body: '' }, 'the server, or a proxy before it, has a fault (status 503): an empty body'),
  answered({ status: 302 }, 'the server answers with status 302 and names no new address; check webhook.url'),
  answered(
    { status: 302, headers: { location: '/login' } },
    `the server redirects to http://127.0.0.1:…/login, which is never followed (the token would go along); if that address is right, set webhook.url to it, ${AFTER_MENDING}`,
  ),
  ...[
    ['<html>', 'an HTML page'],
    ['', 'an empty body'],
    ['{}', 'something else'],
  ].map(([body = '', what]) =>
    answered(
      { status: 200, body },
      `status 200, but ${what} instead of the server's confirmation, so the webhook does not count as delivered; check that webhook.url is the recordings server, and that no proxy or login page answers in its place`,
    ),
  ),
  addressed(
    'http://127.0.0.1:9/',
    'nothing listens at 127.0.0.1:9 (connection refused); check that the server is running, and the port in webhook.url',
  ),
  {
    says: "127.0.0.1:… closed the connection before it answered (ECONNRESET); check the server's log, and any proxy in between",
    exit,
    meet: (_desk, { faults }) => {
      faults.add({ server: 'webhook', action: { drop: 'before' } });
      return ['webhook', 'test'];
    },
  },
  addressed(
    'https://ops.example.com/',
    'the proxy could not be used: …; check HTTPS_PROXY, or name the server in NO_PROXY to bypass it',
    { HTTPS_PROXY: 'http://127.0.0.1:9' },
  ),
  {
    says: 'no file of recording 999 is in the bucket fyemeet',
    hint: 'upload it first: recordupload upload <dir>',
    exit,
    meet: async desk => {
      await desk.run(['upload', makeRecording({ name: '999', videoBytes: 0 })]);
      return ['webhook', 'send', '999'];
    },
  },
  {
    says: 'recording 3: no e-mail address to tell the server',
    hint: 'give --email, or set user.email (RECORDUPLOAD_USER_EMAIL)',
    exit: EXIT.usage,
    env: { RECORDUPLOAD_USER_EMAIL: undefined },
    meet: async desk => {
      await desk.run(['upload', makeRecording({ name: '3' }), '--no-webhook']);
      return ['webhook', 'send', '3'];
    },
  },
];

/** What a network does to us only where it is broken. */
const NETWORK: readonly [what: NetworkFailure, code: string, message: string, says: string][] = [
  [
    'dns',
    'ENOTFOUND',
    '',
    "the name ops.example.com could not be resolved; check the host in webhook.url, and this machine's DNS and network",
  ],
  [
    'unreachable',
    'EHOSTUNREACH',
    '',
    "ops.example.com cannot be reached (EHOSTUNREACH); check this machine's network, routes and firewall",
  ],
  [
    'files',
    'EMFILE',
    '',
    'too many open files to connect to ops.example.com; raise the limit on open files (ulimit -n 256)',
  ],
  ['other', 'EWHAT', 'it says so', 'the connection to ops.example.com failed: it says so (EWHAT)'],
  [
    'tls',
    'CERT_HAS_EXPIRED',
    '',
    'the certificate of ops.example.com has expired (CERT_HAS_EXPIRED); the server needs a new one',
  ],
  [
    'tls',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    '',
    'the certificate is not for ops.example.com (ERR_TLS_CERT_ALTNAME_INVALID); check the host in webhook.url',
  ],
  [
    'tls',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    '',
    'the certificate of ops.example.com is from an authority that this machine does not trust (DEPTH_ZERO_SELF_SIGNED_CERT); name its CA certificate in caFile or NODE_EXTRA_CA_CERTS',
  ],
  [
    'tls',
    'EPROTO',
    'wrong version number',
    'no secure connection to ops.example.com: wrong version number (EPROTO); check the scheme and the port of webhook.url',
  ],
];

const timings = { total: 1 };
/** What is told of such tries: the words, as `webhook test`, `status` and `retry` show them. */
export const TRIES: readonly { says: string; text: string }[] = [
  ...NETWORK.map(([what, code, message, says]) => ({
    says,
    text: told({ kind: 'network', what, code, message, wasSent: false, timings }),
  })),
  {
    says: 'no complete response within 30 s; check that the server is not overloaded',
    text: told({ kind: 'timeout', timeoutMs: 30_000, wasSent: true, timings }),
  },
  {
    says: 'the server gave no final response (status 103)',
    text: told({
      kind: 'answer',
      status: 103,
      body: '',
      truncated: false,
      contentType: undefined,
      retryAfter: undefined,
      date: undefined,
      location: undefined,
      timings,
    }),
  },
];

function told(result: SettledResult): string {
  return judge(result, { url: 'https://ops.example.com/', recordingId: '3' }, createRedactor([])).detail;
}
