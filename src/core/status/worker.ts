/** The process of `recordupload watch`. */
export interface Worker {
  pid: number;
  /** When it began, in milliseconds since 1970. */
  since: number;
}

/** A machine of a fleet: one that shares its state with others. Times are milliseconds since 1970. */
export interface Machine {
  name: string;
  /** Version of recordupload that it ran last. */
  version: string;
  /** A process of it that may upload or deliver is running, as far as the database sees. */
  isAlive: boolean;
  /** Since when the oldest of its processes has been running; null: none is. */
  since: number | null;
  /** When one of its processes last began. */
  lastSeen: number;
  /** Its `recordupload watch`; undefined if none runs. */
  worker?: Worker | undefined;
  /** Recordings that it uploads while they are recorded. */
  recording: number;
  /** Recordings that it uploads. */
  uploading: number;
  /** Webhooks that it sends. */
  sending: number;
}

/** Becoming the worker of a state: at most one process is. */
export type TakeWorkerResult =
  /** This process is the worker until `release`, or until it ends, however that happens. */
  | { ok: true; release(): Promise<void> }
  /** Another one is. */
  | ({ ok: false } & Worker);
