import type { Endpoint } from './endpoint.ts';
import { judge } from './outcome.ts';
import type { Answer, PostResult } from './post-result.ts';
import { readRefusal } from './read-answer.ts';
import type { TestEndpointDeps } from './test-endpoint.ts';

/** `unknown`: this server does not show it, or not in time. */
export interface TokenProbe {
  verdict: 'accepted' | 'refused' | 'unknown';
  /** The result in plain words. Holds no secret. */
  detail: string;
}

/** Lacks the id and the e-mail address that the contract requires: a server that accepts the token answers 400 and stores nothing. */
const INCOMPLETE = JSON.stringify({ test: true });

/**
 * Finds out whether the server accepts the token, without creating a recording there. It also sends a wrong token: a 400
 * for the right one proves something only if the server answers 401 to the wrong one.
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
  if (refusalStatus(right) === 401 || refusalStatus(right) === 403) {
    const { detail } = judge(
      right as Answer,
      { url: endpoint.url, tokenFrom: endpoint.tokenFrom, recordingId: '' },
      deps.redact,
    );
    return { verdict: 'refused', detail };
  }
  if (refusalStatus(right) === 400 && refusalStatus(wrong) === 401) {
    return {
      verdict: 'accepted',
      detail: 'the server accepts the token (it answers 400 to an incomplete payload, and 401 to a wrong token)',
    };
  }
  return { verdict: 'unknown', detail: 'only a complete payload would show whether the server accepts the token' };
}

/** The status of a refusal in the contract's own words: any other response says nothing about the token. */
function refusalStatus(result: PostResult): number | undefined {
  return result.kind === 'answer' && readRefusal(result) !== undefined ? result.status : undefined;
}
