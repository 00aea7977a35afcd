/** How long the phases of one POST took, in milliseconds; a phase that did not happen (connection reused) is missing. */
export interface PostTimings {
  dns?: number | undefined;
  connect?: number | undefined;
  tls?: number | undefined;
  /** From the last byte of the request to the first of the answer. */
  firstByte?: number | undefined;
  total: number;
}

/** Which part of the way to the server is broken. */
export type NetworkFailure = 'dns' | 'refused' | 'reset' | 'tls' | 'proxy' | 'unreachable' | 'other';

/**
 * What one POST came to. Everything in `body`, `location` and `message` is of foreign origin and may echo the token:
 * only a `Redactor` makes it fit to be kept or shown.
 */
export type PostResult =
  | {
      kind: 'answer';
      status: number;
      contentType: string | undefined;
      /** At most 64 KiB. */
      body: string;
      /** The answer was longer. */
      truncated: boolean;
      /** The header as it came; `parseRetryAfter` reads it. */
      retryAfter: string | undefined;
      date: string | undefined;
      location: string | undefined;
      timings: PostTimings;
    }
  | { kind: 'timeout'; timeoutMs: number; timings: PostTimings }
  | { kind: 'network'; what: NetworkFailure; code: string; message: string; timings: PostTimings }
  /** Our own signal ended it. Whether the server got it is not known. */
  | { kind: 'aborted'; timings: PostTimings };

/** One try of one delivery. */
export interface PostRequest {
  url: string;
  /** Sent as `X-Webhook-Token`. */
  token?: string | undefined;
  /** Standard Webhooks secrets; none: the request is not signed. */
  secrets: readonly string[];
  /** The same for all tries of a delivery. */
  webhookId: string;
  /** JSON text, sent as it is. */
  body: string;
  /** Seconds since 1970, for the signature. */
  timestampSeconds: number;
  signal?: AbortSignal | undefined;
}

/** Sends one try and says what came of it. Never throws for what the network or the server does. */
export type PostWebhook = (request: PostRequest) => Promise<PostResult>;
