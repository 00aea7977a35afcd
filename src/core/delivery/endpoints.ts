import type { Fingerprint } from './refusal.ts';

/** What is remembered of an endpoint beside its deliveries. Times are milliseconds since 1970. */
export interface EndpointState {
  name: string;
  /** Set by a 410 or an operator; null: enabled. */
  disabledReason: string | null;
  disabledAt: number | null;
  /** When the server last answered 401 or 403 to the URL and token that `refusal` describes. */
  refusedAt: number | null;
}

/**
 * The endpoints' memory. `DeliveryClaims.settle` writes refusals and the server's 410, each with the try that met it.
 * @throws AppError `STATE` (every method) if the state cannot be read or written
 */
export interface Endpoints {
  /** An endpoint of which nothing is remembered is enabled and not refused. */
  get(name: string): Promise<EndpointState>;
  /** By name. */
  list(): Promise<EndpointState[]>;
  /** Its deliveries wait from now on. */
  disable(name: string, reason: string, now: number): Promise<void>;
  /**
   * Enables it; the deliveries that its 410 held are due at once.
   * @returns how many those are
   */
  enable(name: string, now: number): Promise<number>;
  /** The fingerprint of what the server refused; undefined if it refused nothing. */
  refusal(name: string): Promise<Fingerprint | undefined>;
  /**
   * Holds what was queued since the refusal, so that lists show why it waits.
   * @returns how many
   */
  holdRefused(name: string, now: number): Promise<number>;
  /**
   * Forgets the refusal; the deliveries that it held are due at once.
   * @returns how many those are
   */
  releaseRefused(name: string, now: number): Promise<number>;
}
