import type { AlertEvent, Cause } from './cause.ts';

/** Where alerts go: a URL or a command, without saying which, because both may hold secrets. */
export interface AlertTarget {
  /** Stays the same as long as the URL or command does. */
  id: string;
  /** The events that it wants. */
  on: readonly AlertEvent[];
}

/** A cause that a target has been told of. */
export interface OpenCause extends Cause {
  /** Milliseconds since 1970. */
  since: number;
}

/** One message for one target. */
export interface AlertMessage {
  id: number;
  target: string;
  event: AlertEvent | 'test';
  /** JSON text. */
  body: string;
  createdAt: number;
  /** Tries that failed. */
  attempts: number;
}

/** What changed for a target: causes that it was not told of, and causes that ended. */
export interface News {
  begun: Cause[];
  ended: OpenCause[];
}

/**
 * What was told to whom, and the messages that are under way. A write is durable once its promise resolves. Times are
 * milliseconds since 1970.
 * @throws AppError `STATE` (every method) if the state cannot be read or written
 */
export interface AlertBook {
  /**
   * Compares the causes of now with what the target was told, notes the difference, and queues a message for each that it
   * wants. One commit: two processes never tell the same.
   * @param compose makes the JSON text of a message
   */
  note(
    target: AlertTarget,
    causes: readonly Cause[],
    compose: (event: AlertEvent, cause: Cause & { since: number }) => string,
    now: number,
  ): Promise<News>;
  /** Forgets what was told to targets that are not configured any more, with their messages. */
  keepOnly(targets: readonly string[]): Promise<void>;
  /** Messages that are due; nobody else gets them for `leaseMs`. The oldest first. */
  take(limit: number, leaseMs: number, now: number): Promise<AlertMessage[]>;
  /** It was sent, or is given up. */
  end(id: number): Promise<void>;
  /** It could not be sent; `nextAt`: when it is tried again. */
  postpone(id: number, nextAt: number): Promise<void>;
}
