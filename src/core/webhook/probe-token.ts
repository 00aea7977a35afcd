import type { Endpoint } from './endpoint.ts';
import { judge } from './outcome.ts';
import type { PostResult } from './post-result.ts';
import { createRedactor } from './redact.ts';
import type { TestEndpointDeps } from './test-endpoint.ts';

/** `unknown`: this server does not tell, or not in time. */
export interface TokenProbe {
  verdict: 'accepted' | 'refused' | 'unknown';
  detail: string;
}

/** The contract wants an id and an e-mail address: without them a server that knows the token answers 400, and keeps nothing. */
const INCOMPLETE = JSON.stringify({ test: true });

/**
 * Finds out whether the server knows the token without making a recording there. A wrong token goes with it: only a
 * server that refuses that one for its token (401) says anything by refusing the right one for its payload (400).
 */
export async function probeToken(endpoint: Endpoint, deps: TestEndpointDeps): Promise<TokenProbe> {
  const send = (token: string | undefined) =>
    deps.post({
      url: endpoint.url,
      token,
      secrets: endpoint.secrets,
      webhookId: deps.newId(),
      body: INCOMPLETE,
      timestampSeconds: Math.floor(deps.clock.now() / 1000),
      signal: deps.signal,
    });
  const [right, wrong] = await Promise.all([send(endpoint.token), send(deps.newToken())]);
  if (statusOf(right) === 401 || statusOf(right) === 403) {
    const redact = createRedactor([endpoint.token ?? '', ...endpoint.secrets]);
    const { detail } = judge(
      right as Exclude<PostResult, { kind: 'aborted' }>,
      { url: endpoint.url, recordingId: '' },
      redact,
    );
    return { verdict: 'refused', detail: redact(detail) };
  }
  if (statusOf(right) === 400 && statusOf(wrong) === 401) {
    return {
      verdict: 'accepted',
      detail: 'the server knows the token (400 to an incomplete test, 401 with a wrong token)',
    };
  }
  return { verdict: 'unknown', detail: 'whether the server knows the token cannot be told without a whole payload' };
}

function statusOf(result: PostResult): number | undefined {
  return result.kind === 'answer' ? result.status : undefined;
}
