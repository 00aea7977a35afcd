/** How long the phases of one POST took, in milliseconds. On a reused connection the first three are missing. */
export interface PostTimings {
  dns?: number | undefined;
  connect?: number | undefined;
  tls?: number | undefined;
  /** From the last byte of the request to the first of the response. */
  firstByte?: number | undefined;
  total: number;
}

/** Which part of the way to the server failed. */
export type NetworkFailure = 'dns' | 'refused' | 'reset' | 'tls' | 'proxy' | 'unreachable' | 'files' | 'other';

/** The server's response. */
export interface Answer {
  kind: 'answer';
  status: number;
  contentType: string | undefined;
  /** The header; nothing is decoded, because no coding was asked for. */
  contentEncoding?: string | undefined;
  /** The header: the program that answered, if it names itself. */
  server?: string | undefined;
  /** At most 64 KiB. */
  body: string;
  /** The response was longer. */
  truncated: boolean;
  /** The header as it came; `parseRetryAfter` reads it. */
  retryAfter: string | undefined;
  date: string | undefined;
  location: string | undefined;
  /** The variable that names the proxy which the request went through. */
  proxyVariable?: string | undefined;
  timings: PostTimings;
}

/** A POST without a response. */
interface MaybeSent {
  /** It had a connection, so the server may have received it and process it yet. */
  wasSent: boolean;
}

/**
 * The result of one POST. `body`, `location` and `message` come from outside and may repeat the token: redact them
 * before they are stored or shown.
 */
export type PostResult =
  | Answer
  | ({ kind: 'timeout'; timeoutMs: number; timings: PostTimings } & MaybeSent)
  | ({
      kind: 'network';
      what: NetworkFailure;
      code: string;
      message: string;
      /** The variable that names the proxy which the request went through. */
      proxyVariable?: string | undefined;
      timings: PostTimings;
    } & MaybeSent)
  /** The caller's signal ended the request. */
  | ({ kind: 'aborted'; timings: PostTimings } & MaybeSent);

/** The result of a POST that the caller did not abort. */
export type SettledResult = Exclude<PostResult, { kind: 'aborted' }>;

/** One attempt at one delivery. */
export interface PostRequest {
  url: string;
  /** Sent as `X-Webhook-Token`. */
  token?: string | undefined;
  /** Standard Webhooks secrets; without any, the request is not signed. */
  secrets: readonly string[];
  /** The same for all attempts at a delivery. */
  webhookId: string;
  /** JSON text, sent unchanged. */
  body: string;
  /** Seconds since 1970, for the signature. */
  timestampSeconds: number;
  signal?: AbortSignal | undefined;
}

/** Sends one attempt. Never throws for what the network or the server does. */
export type PostWebhook = (request: PostRequest) => Promise<PostResult>;
