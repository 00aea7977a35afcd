import type { Clock } from '../clock.ts';
import type { Endpoint } from './endpoint.ts';
import { judge } from './outcome.ts';
import type { PostResult, PostTimings, PostWebhook } from './post-result.ts';

import { createRedactor, displayUrl, type Redactor } from './redact.ts';
import { requestHeaders } from './request-headers.ts';

/** One request of a test, what came back, and what that means. Nothing in it carries a secret. */
export interface WebhookCheck {
  endpoint: string;
  /** `accepted`: with the right token. `wrong-token`, `no-token`: good is only a 401. */
  kind: 'accepted' | 'wrong-token' | 'no-token';
  ok: boolean;
  /** In plain words; what to check where it is not good. */
  verdict: string;
  request: { method: 'POST'; url: string; headers: Record<string, string>; body: string };
  /** Undefined where there was no answer. */
  response: { status: number; body: string } | undefined;
  timings: PostTimings;
}

export interface TestEndpointDeps {
  post: PostWebhook;
  clock: Clock;
  signal: AbortSignal;
  userAgent: string;
  newId: () => string;
  /** A token that no server knows. */
  newToken: () => string;
}

/**
 * Tries an endpoint: the marked payload must be accepted, and the same with a wrong token must get a 401, which proves
 * that the lock locks. With `unauthorized` only a request without any token is made, and only a 401 is good.
 */
export async function testEndpoint(
  endpoint: Endpoint,
  payload: string,
  { unauthorized }: { unauthorized: boolean },
  deps: TestEndpointDeps,
): Promise<WebhookCheck[]> {
  if (unauthorized) return [await check('no-token', { ...endpoint, token: undefined }, payload, deps, endpoint)];
  const accepted = await check('accepted', endpoint, payload, deps, endpoint);
  // A server that cannot be reached, or refuses the right token, has nothing to say about a wrong one.
  if (!accepted.ok) return [accepted];
  return [accepted, await check('wrong-token', { ...endpoint, token: deps.newToken() }, payload, deps, endpoint)];
}

async function check(
  kind: WebhookCheck['kind'],
  endpoint: Endpoint,
  payload: string,
  deps: TestEndpointDeps,
  real: Endpoint,
): Promise<WebhookCheck> {
  const request = {
    url: endpoint.url,
    token: endpoint.token,
    secrets: endpoint.secrets,
    webhookId: deps.newId(),
    body: payload,
    timestampSeconds: Math.floor(deps.clock.now() / 1000),
    signal: deps.signal,
  };
  const result = await deps.post(request);
  if (result.kind === 'aborted') throw deps.signal.reason;
  const redact = createRedactor([real.token ?? '', endpoint.token ?? '', ...real.secrets]);
  const sent = { url: endpoint.url, payload, redact };
  const { ok, verdict } = kind === 'accepted' ? acceptance(result, sent) : refusal(kind, result, sent);
  return {
    endpoint: endpoint.name,
    kind,
    ok,
    verdict: redact(verdict),
    request: {
      method: 'POST',
      url: displayUrl(endpoint.url),
      headers: shownHeaders(requestHeaders(request, deps.userAgent)),
      body: payload,
    },
    response:
      result.kind === 'answer'
        ? { status: result.status, body: redact.excerpt(result.body, { truncated: result.truncated }) }
        : undefined,
    timings: result.timings,
  };
}

type Settled = Exclude<PostResult, { kind: 'aborted' }>;

interface Sent {
  url: string;
  payload: string;
  redact: Redactor;
}

function judged(result: Settled, { url, payload, redact }: Sent) {
  const { recording_id, user_info } = JSON.parse(payload) as {
    recording_id: number | string;
    user_info: { email?: string };
  };
  return judge(result, { url, recordingId: String(recording_id), email: user_info.email }, redact);
}

function acceptance(result: Settled, sent: Sent): { ok: boolean; verdict: string } {
  const { outcome, action, detail, line } = judged(result, sent);
  if (outcome === 'delivered')
    return { ok: true, verdict: `accepted: the server ${action ?? 'took'} the test recording` };
  return { ok: false, verdict: detail || line };
}

function refusal(kind: 'wrong-token' | 'no-token', result: Settled, sent: Sent): { ok: boolean; verdict: string } {
  const what = kind === 'wrong-token' ? 'a wrong token' : 'no token';
  if (result.kind !== 'answer') return { ok: false, verdict: judged(result, sent).detail };
  if (result.status === 401) return { ok: true, verdict: `the server refuses ${what} (401), as it must` };
  return {
    ok: false,
    verdict: `the server answered ${result.status} to ${what}: it must answer 401${result.status < 300 ? ', so anybody can send it webhooks: check its token check' : ''}`,
  };
}

const HIDDEN_HEADERS = /^(x-webhook-token|webhook-signature)$/i;

function shownHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, HIDDEN_HEADERS.test(name) ? '***' : value]),
  );
}
