/** A server that receives webhooks. Each endpoint has its own deliveries, state and pace. */
export interface Endpoint {
  /** The endpoint's name in the configuration and the state; `default` if there is only one. */
  name: string;
  url: string;
  /** Sent as `X-Webhook-Token`. Secret. */
  token?: string | undefined;
  /** Where the token is configured, for messages: `WEBHOOK_TOKEN`, `webhooks[0].tokenFile in .recorduploadrc`. */
  tokenFrom?: string | undefined;
  /** Standard Webhooks secrets (`whsec_…`), newest first; two during a rotation. Secret. */
  secrets: string[];
  /** False if the configuration switches it off; its deliveries wait. */
  enabled: boolean;
}
