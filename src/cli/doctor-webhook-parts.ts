// What the check of a webhook is made of, in one chunk of its own: the rest of `doctor` does not wait for the HTTP client.
export { createPoster } from '../core/webhook/post-webhook.ts';
export { probeToken } from '../core/webhook/probe-token.ts';
export { testEndpoint } from '../core/webhook/test-endpoint.ts';
export { testPayload } from '../core/webhook/test-payload.ts';
