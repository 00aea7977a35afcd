import { type DiscardReport, discardWebhooks as discard } from '../app/discard.ts';
import { type EndpointOverview, listEndpoints as list } from '../app/endpoints.ts';
import { chooseReplay, replay } from '../app/replay.ts';
import { type SendRequest, sendWebhook as send } from '../app/send.ts';
import { disableEndpoint as disable, enableEndpoint as enable, type SwitchReport } from '../app/switch-endpoint.ts';
import { type TestEndpointsReport, type TestEndpointsRequest, testEndpoints } from '../app/test-endpoints.ts';
import { webhookHistory as history, type WebhookHistory } from '../app/webhook-history.ts';
import type { DeliverReport, DeliveryReport } from '../core/delivery/delivery-report.ts';
import { type CallOptions, open } from './call.ts';

/**
 * Ends the webhooks of a recording that wait or are held: to all endpoints, or to one.
 * @throws AppError `USAGE` if this is not known, `BUSY` if another process sends one of them
 */
export async function discardWebhooks(
  id: string,
  options: CallOptions & { endpoint?: string | undefined },
): Promise<DiscardReport> {
  await using runtime = open(options);
  return await discard({ id, endpoint: options.endpoint }, runtime);
}

/**
 * Tells the server about a recording that is in the bucket, also if the server knows it already.
 * @param options.endpoint only this endpoint
 * @throws AppError `WEBHOOK` if no file of it is in the bucket, `STORAGE`, `USAGE`
 */
export async function sendWebhook(
  id: string,
  options: CallOptions & Omit<SendRequest, 'id'>,
): Promise<DeliveryReport[]> {
  await using runtime = open(options);
  return (await send({ ...options, id }, runtime)).deliveries;
}

/**
 * Sends webhooks again that were delivered in a period of time, or held with `held`.
 * @param period milliseconds since 1970; `until` is not included and is now unless given
 */
export async function replayWebhooks(
  period: { since: number; until?: number },
  options: CallOptions & { held?: boolean; endpoint?: string | undefined },
): Promise<DeliverReport> {
  await using runtime = open(options);
  const { since, until = runtime.clock.now() + 1 } = period;
  const chosen = await chooseReplay({ since, until, held: options.held ?? false, endpoint: options.endpoint }, runtime);
  return await replay(chosen, runtime);
}

/** Sends the marked test payload, and tells whether the endpoints accept it and refuse a wrong token. */
export async function testWebhooks(options: CallOptions & TestEndpointsRequest): Promise<TestEndpointsReport> {
  await using runtime = open(options);
  return await testEndpoints(options, runtime);
}

/** Every attempt to tell the server about a recording. */
export async function webhookHistory(id: string, options: CallOptions): Promise<WebhookHistory> {
  await using runtime = open(options);
  return await history({ id }, runtime);
}

/** The endpoints and what waits for each. */
export async function listEndpoints(options: CallOptions): Promise<EndpointOverview[]> {
  await using runtime = open(options);
  return await list(runtime);
}

/** Sends webhooks to a disabled endpoint again. @throws AppError `USAGE` if there is no such endpoint */
export async function enableEndpoint(name: string, options: CallOptions): Promise<SwitchReport> {
  await using runtime = open(options);
  return await enable({ name }, runtime);
}

/** Keeps the webhooks of an endpoint back. @throws AppError `USAGE` if there is no such endpoint */
export async function disableEndpoint(name: string, options: CallOptions): Promise<SwitchReport> {
  await using runtime = open(options);
  return await disable({ name }, runtime);
}
