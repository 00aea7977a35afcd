import type { Clock } from '../clock.ts';
import { displayUrl, type Redactor } from '../redact.ts';
import type { Endpoint } from './endpoint.ts';
import { type Judgement, judge } from './outcome.ts';
import type { PostTimings, PostWebhook, SettledResult } from './post-result.ts';
import { readRefusal } from './read-answer.ts';
import { requestHeaders } from './request-headers.ts';

/** One request of a test, the response, and what it means. Holds no secret. */
export interface WebhookCheck {
  endpoint: string;
  /** `accepted`: the server must accept the right token. `wrong-token`, `no-token`: it must answer 401. */
  kind: 'accepted' | 'wrong-token' | 'no-token';
  ok: boolean;
  /** The result in plain words, and what to check if it is not ok. */
  verdict: string;
  request: { method: 'POST'; url: string; headers: Record<string, string>; body: string };
  /** Undefined if there was no response. */
  response: { status: number; body: string } | undefined;
  timings: PostTimings;
}

export interface TestEndpointDeps {
  post: PostWebhook;
  clock: Clock;
  signal: AbortSignal;
  userAgent: string;
  /** Knows the secrets of the run. */
  redact: Redactor;
  newId: () => string;
  /** Makes a token that no server accepts. */
  newToken: () => string;
}

/**
 * Tests an endpoint: it must accept the marked payload, and answer 401 to the same with a wrong token. With `unauthorized`
 * it sends only a request without a token, and only a 401 is ok.
 * @throws the reason of `deps.signal` once that aborts
 */
export async function testEndpoint(
  endpoint: Endpoint,
  payload: string,
  { unauthorized }: { unauthorized: boolean },
  deps: TestEndpointDeps,
): Promise<WebhookCheck[]> {
  if (unauthorized) return [await check('no-token', undefined, endpoint, payload, deps)];
  const accepted = await check('accepted', endpoint.token, endpoint, payload, deps);
  // The response to a wrong token proves something only if the server accepts the right one.
  if (!accepted.ok) return [accepted];
  return [accepted, await check('wrong-token', deps.newToken(), endpoint, payload, deps)];
}

async function check(
  kind: WebhookCheck['kind'],
  token: string | undefined,
  endpoint: Endpoint,
  payload: string,
  deps: TestEndpointDeps,
): Promise<WebhookCheck> {
  const request = {
    url: endpoint.url,
    token,
    secrets: endpoint.secrets,
    webhookId: deps.newId(),
    body: payload,
    timestampSeconds: Math.floor(deps.clock.now() / 1000),
    signal: deps.signal,
  };
  const result = await deps.post(request);
  if (result.kind === 'aborted') throw deps.signal.reason;
  const { redact } = deps;
  const judgement = judgeTest(result, endpoint, payload, redact);
  const { ok, verdict } = kind === 'accepted' ? acceptance(judgement) : refusal(kind, result, judgement);
  return {
    endpoint: endpoint.name,
    kind,
    ok,
    verdict: redact(verdict),
    request: {
      method: 'POST',
      url: displayUrl(endpoint.url),
      headers: withoutSecrets(requestHeaders(request, deps.userAgent)),
      body: payload,
    },
    response:
      result.kind === 'answer'
        ? { status: result.status, body: redact.excerpt(result.body, { truncated: result.truncated }) }
        : undefined,
    timings: result.timings,
  };
}

type Verdict = Pick<WebhookCheck, 'ok' | 'verdict'>;

function judgeTest(result: SettledResult, { url, tokenFrom }: Endpoint, payload: string, redact: Redactor): Judgement {
  const { recording_id, user_info } = JSON.parse(payload) as {
    recording_id: number | string;
    user_info: { email?: string };
  };
  return judge(result, { url, tokenFrom, recordingId: String(recording_id), email: user_info.email }, redact);
}

function acceptance({ outcome, action, detail, line }: Judgement): Verdict {
  if (outcome !== 'delivered') return { ok: false, verdict: detail || line };
  return { ok: true, verdict: `accepted: the server ${action ?? 'took'} the test recording` };
}

function refusal(kind: 'wrong-token' | 'no-token', result: SettledResult, { detail }: Judgement): Verdict {
  if (result.kind !== 'answer') return { ok: false, verdict: detail };
  const what = kind === 'wrong-token' ? 'a wrong token' : 'no token';
  const isOwn = readRefusal(result) !== undefined;
  if (result.status === 401 && isOwn) return { ok: true, verdict: `the server refuses ${what} (401), as it should` };
  if (result.status >= 400 && !isOwn) return { ok: false, verdict: detail };
  const isOpen = result.status < 300;
  return {
    ok: false,
    verdict:
      `the server answered ${result.status} to ${what}, but must answer 401` +
      (isOpen ? ': anybody can send it webhooks; check how it verifies the token' : ''),
  };
}

const SECRET_HEADERS = /^(x-webhook-token|webhook-signature)$/i;

function withoutSecrets(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, SECRET_HEADERS.test(name) ? '***' : value]),
  );
}
