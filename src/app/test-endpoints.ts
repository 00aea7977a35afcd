import { randomBytes, randomUUID } from 'node:crypto';
import { requireToken } from '../config/requirements.ts';
import { AppError } from '../core/errors.ts';
import { parseOverrides } from '../core/recording/read-recording.ts';
import { idForPayload, parseRecordingId } from '../core/recording/recording.ts';
import type { Endpoint } from '../core/webhook/endpoint.ts';
import { testEndpoint, type WebhookCheck } from '../core/webhook/test-endpoint.ts';
import { testPayload } from '../core/webhook/test-payload.ts';
import { chooseEndpoints } from './endpoints.ts';
import type { Runtime } from './runtime.ts';

export interface TestEndpointsRequest {
  /** Only this endpoint, even if the configuration switches it off; all that are switched on unless given. */
  endpoint?: string | undefined;
  /** Send the test without a token; only a 401 is good then. */
  unauthorized?: boolean | undefined;
  /** The recording ID in the test payload; 999 unless given. */
  id?: string | undefined;
  /** The user's e-mail address in the test payload; the configured one unless given. */
  email?: string | undefined;
}

export interface TestEndpointsReport {
  works: boolean;
  checks: WebhookCheck[];
}

/**
 * Sends the marked test payload to endpoints and tells whether they work.
 * @param onCheck gets each check as soon as it is done
 * @throws AppError `USAGE`, `CONFIG` without a token, an e-mail address or an endpoint that is switched on
 */
export async function testEndpoints(
  request: TestEndpointsRequest,
  runtime: Runtime,
  onCheck: (check: WebhookCheck) => void = () => {},
): Promise<TestEndpointsReport> {
  const { unauthorized = false } = request;
  const endpoints = testedEndpoints(request.endpoint, runtime);
  const payload = payloadOf(request, runtime);
  // What can be wrong with the configuration is reported before anything is sent.
  if (!unauthorized) for (const endpoint of endpoints) requireToken(endpoint);
  const { post } = await runtime.poster();
  const deps = testDeps(runtime, post);
  const checks: WebhookCheck[] = [];
  for (const endpoint of endpoints) {
    for (const check of await testEndpoint(endpoint, payload, { unauthorized }, deps)) {
      checks.push(check);
      onCheck(check);
    }
  }
  return { works: checks.length > 0 && checks.every(check => check.ok), checks };
}

/** What testing an endpoint needs, with fresh IDs and tokens. */
export function testDeps<Post>(
  { clock, signal, userAgent, redact }: Pick<Runtime, 'clock' | 'signal' | 'userAgent' | 'redact'>,
  post: Post,
) {
  return {
    post,
    clock,
    signal,
    userAgent,
    redact,
    newId: () => `msg_${randomUUID().replaceAll('-', '')}`,
    newToken: () => randomBytes(24).toString('hex'),
  };
}

/**
 * The endpoints that webhooks go to. An endpoint that is switched off in the configuration is tested if it is named, so
 * that it can be tried before it is switched on; for the same reason it does not matter whether a 410 disabled it.
 */
function testedEndpoints(name: string | undefined, runtime: Runtime): Endpoint[] {
  const chosen = chooseEndpoints(runtime, name);
  if (name !== undefined) return chosen;
  const enabled = chosen.filter(endpoint => endpoint.enabled);
  for (const endpoint of chosen) {
    if (endpoint.enabled) continue;
    const message = `endpoint ${endpoint.name} is switched off in the configuration: not tested`;
    runtime.observer({ type: 'warning', message });
  }
  if (enabled.length > 0) return enabled;
  throw new AppError('CONFIG', 'no endpoint is switched on in the configuration', { hint: 'name one with --endpoint' });
}

function payloadOf({ id, email, unauthorized }: TestEndpointsRequest, { config, clock }: Runtime): string {
  const address = parseOverrides({ email }).email ?? config.user.email;
  if (!address && !unauthorized) {
    throw new AppError('CONFIG', 'no e-mail address for the test payload', {
      hint: 'give --email, or set user.email (RECORDUPLOAD_USER_EMAIL)',
    });
  }
  return testPayload({
    ...(id !== undefined && { recordingId: idForPayload(parseRecordingId(id, '--id', 'USAGE')) }),
    user: { username: config.user.name, email: address ?? 'nobody@example.com' },
    createdAtMs: clock.now(),
  });
}
