import type { Fingerprint } from './refusal.ts';

/** What is remembered of an endpoint beside its deliveries. Times are milliseconds since 1970. */
export interface EndpointState {
  name: string;
  /** Set by a 410 or an operator; null: enabled. */
  disabledReason: string | null;
  disabledAt: number | null;
  /** When the server last answered 401 or 403 to a URL and token that somebody still has; null: to none. */
  refusedAt: number | null;
  /** The machines that have such a token, by name; an empty text where the name is not known or does not matter. */
  refusedOn: string[];
  /** Somebody else has a token that was not refused, and sends what waits. Meaningless where none was refused. */
  hasSender: boolean;
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
  /** What the server refused: empty if it refused nothing. */
  refusals(name: string): Promise<Fingerprint[]>;
  /**
   * The caller's token is among `refusals`, so it sends nothing. Unless somebody has a token that was not refused, what is
   * pending is held, so that lists show why it waits.
   * @param own the caller's token, as `refusals` have it
   * @returns how many it held
   */
  leaveToOthers(name: string, own: readonly Fingerprint[], now: number): Promise<number>;
  /**
   * The caller has a token that was not refused, or one that the server accepts again: what refusals held is due at once,
   * and no refusal of another token holds it any more.
   * @param own the caller's token under the salt of each of `refusals`
   * @returns how many became due
   */
  useToken(name: string, own: readonly Fingerprint[], now: number): Promise<number>;
}

/** What is said of an endpoint that refuses tokens: `refuses the token of studio-a; others send its webhooks`. */
export function refusesText({ refusedOn, hasSender }: Pick<EndpointState, 'refusedOn' | 'hasSender'>): string {
  const machines = refusedOn.filter(name => name !== '');
  const whose = machines.length === 0 ? (hasSender ? 'a token' : 'the token') : `the token of ${machines.join(', ')}`;
  return `refuses ${whose}${hasSender ? '; others send its webhooks' : ''}`;
}
