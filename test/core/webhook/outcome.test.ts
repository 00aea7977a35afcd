import { describe, expect, it } from '@jest/globals';
import { createRedactor } from '../../../src/core/redact.ts';
import { judge } from '../../../src/core/webhook/outcome.ts';
import type { NetworkFailure, SettledResult } from '../../../src/core/webhook/post-result.ts';

const SENT = { url: 'https://ops.example.org/recordings/webhook/', recordingId: '3', email: 'Ada@example.org' };
const redact = createRedactor(['fake-token-for-tests']);
const judged = (result: SettledResult) => judge(result, SENT, redact);
const SUCCESS =
  '{"status":"success","message":"Recording created successfully","recording_id":3,"pk":1,"action":"created"}';

function answer(
  status: number,
  body = '',
  more: Partial<Extract<SettledResult, { kind: 'answer' }>> = {},
): SettledResult {
  const none = { contentType: undefined, retryAfter: undefined, date: undefined, location: undefined };
  return { kind: 'answer', status, body, truncated: false, ...none, timings: { total: 1 }, ...more };
}
const network = (what: NetworkFailure, code: string): SettledResult => ({
  kind: 'network',
  what,
  code,
  message: `it says ${code}`,
  wasSent: false,
  timings: { total: 1 },
});
const error = (message: string) => JSON.stringify({ status: 'error', message });

describe('the outcome of a try', () => {
  it.each([
    ['201', answer(201, SUCCESS), 'delivered', undefined, '✅ Webhook sent successfully'],
    [
      '200',
      answer(200, SUCCESS.replace('created"', 'updated"')),
      'delivered',
      undefined,
      '✅ Webhook sent successfully',
    ],
    [
      '200, id as text, more keys',
      answer(200, '{"status":"success","recording_id":"3","x":[]}'),
      'delivered',
      undefined,
      '✅ Webhook sent successfully',
    ],
    ['202', answer(202, SUCCESS), 'pending', undefined, '❌ Webhook failed with status 202'],
    ['204', answer(204), 'pending', undefined, '❌ Webhook failed with status 204'],
    [
      '200, other id',
      answer(200, SUCCESS.replace(':3', ':4')),
      'pending',
      undefined,
      '❌ Webhook failed with status 200',
    ],
    ['200, error inside', answer(200, error('no')), 'pending', undefined, '❌ Webhook failed with status 200'],
    ['200, HTML', answer(200, '<html>'), 'pending', undefined, '❌ Webhook failed with status 200'],
    ['200, array', answer(200, '[]'), 'pending', undefined, '❌ Webhook failed with status 200'],
    ['200, null', answer(200, 'null'), 'pending', undefined, '❌ Webhook failed with status 200'],
    ['301', answer(301), 'held', 'rejected', '❌ Webhook failed with status 301'],
    ['304', answer(304), 'held', 'rejected', '❌ Webhook failed with status 304'],
    ['400', answer(400, error('Missing')), 'held', 'rejected', '❌ Webhook failed with status 400'],
    ['401', answer(401, error('Invalid')), 'held', 'refused', '❌ Webhook authentication failed'],
    ['403', answer(403, error('no')), 'held', 'refused', '❌ Webhook failed with status 403'],
    ['404', answer(404, error('No user')), 'held', 'rejected', '❌ Webhook failed with status 404'],
    ['408', answer(408), 'pending', undefined, '❌ Webhook failed with status 408'],
    ['410', answer(410), 'disabled', 'disabled', '❌ Webhook failed with status 410'],
    ['418', answer(418, error('no')), 'held', 'rejected', '❌ Webhook failed with status 418'],
    ['425', answer(425), 'pending', undefined, '❌ Webhook failed with status 425'],
    ['429', answer(429), 'pending', undefined, '❌ Webhook failed with status 429'],
    ['500', answer(500, SUCCESS), 'pending', undefined, '❌ Webhook failed with status 500'],
    ['503', answer(503), 'pending', undefined, '❌ Webhook failed with status 503'],
    ['999', answer(999), 'pending', undefined, '❌ Webhook failed with status 999'],
    [
      'no answer',
      { kind: 'timeout', timeoutMs: 30_000, wasSent: true, timings: { total: 1 } },
      'pending',
      undefined,
      '❌ Webhook timeout',
    ],
    ['no connection', network('refused', 'ECONNREFUSED'), 'pending', undefined, '❌ Webhook connection failed'],
  ] as [string, SettledResult, string, string | undefined, string][])('%s', (_, result, outcome, heldReason, line) => {
    const judgement = judged(result);
    expect({ ...judgement, detail: '' }).toMatchObject({ outcome, heldReason, line });
    expect(judgement.detail === '').toBe(outcome === 'delivered');
  });

  it('tells what the server did with the recording', () => {
    expect(judged(answer(201, SUCCESS)).action).toBe('created');
    expect(judged(answer(200, SUCCESS.replace('action":"created', 'action":"updated'))).action).toBe('updated');
  });

  it.each([
    [answer(401, error('Invalid')), /token: "Invalid".*webhook\.token/],
    [answer(404, error('No user found with email: Ada@example.org')), /"Ada@example\.org".*case matter.*retry --held/],
    [answer(404, '<html>nope</html>'), /something before the server.*HTML page.*slash/],
    [
      answer(302, '', { location: 'https://other.example/x?token=1' }),
      /redirects to https:\/\/other\.example\/x\?… ?,.*never followed/,
    ],
    [answer(302, '', { location: '/login' }), /redirects to https:\/\/ops\.example\.org\/login,/],
    [answer(200, '<!doctype html>'), /an HTML page instead/],
    [answer(200, ''), /an empty body instead/],
    [network('dns', 'ENOTFOUND'), /ops\.example\.org could not be resolved/],
    [network('refused', 'ECONNREFUSED'), /nothing listens/],
    [network('reset', 'ECONNRESET'), /closed the connection/],
    [network('tls', 'CERT_HAS_EXPIRED'), /expired/],
    [network('tls', 'DEPTH_ZERO_SELF_SIGNED_CERT'), /caFile/],
    [network('tls', 'ERR_TLS_CERT_ALTNAME_INVALID'), /not for ops\.example\.org/],
    [network('proxy', 'ERR_PROXY_TUNNEL'), /HTTPS_PROXY/],
  ])('says in plain words what to do (%#)', (result, expected) => {
    expect(judged(result).detail).toMatch(expected);
  });

  it('names the URL with the slash that Django wants', () => {
    const body =
      '<html><title>RuntimeError at /recordings/webhook</title><pre>You called this URL via POST, but the URL ' +
      'doesn&#x27;t end in a slash and you have APPEND_SLASH set. Django can&#x27;t redirect…</pre></html>';
    const sent = { ...SENT, url: SENT.url.slice(0, -1) };
    const { detail } = judge(answer(500, body), sent, redact);
    expect(detail).toMatch(
      /put a slash at the end of webhook\.url \(https:\/\/ops\.example\.org\/recordings\/webhook\/\)$/,
    );
  });

  it('redacts what the server echoes before it cuts it to length', () => {
    for (let padding = 170; padding < 210; padding++) {
      const echo = error(`${'x'.repeat(padding)}fake-token-for-tests`);
      expect(judged(answer(400, echo)).detail).not.toMatch(/fak/);
    }
    expect(judged(answer(400, '{"message":"\\u0066ake-token-for-tests"}')).detail).toContain('"***"');
    expect(judged(answer(302, '', { location: '/fake-token-for-tests' })).detail).toContain('/***,');
  });
});

it.each([
  ['9007199254740993', 'delivered'],
  ['9007199254740992', 'pending'],
  ['90071992547409931', 'pending'],
])('an ID beyond 2^53 is compared as it is written: %s', (written, outcome) => {
  const sent = { ...SENT, recordingId: '9007199254740993' };
  const body = SUCCESS.replace('"recording_id":3', `"recording_id": ${written}`);
  expect(judge(answer(201, body), sent, redact).outcome).toBe(outcome);
});
