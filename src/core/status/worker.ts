/** The process of `recordupload watch`. */
export interface Worker {
  pid: number;
  /** When it began, in milliseconds since 1970. */
  since: number;
}

/** Becoming the worker of a state: at most one process is. */
export type TakeWorkerResult =
  /** This process is the worker until `release`, or until it ends, however that happens. */
  | { ok: true; release(): Promise<void> }
  /** Another one is. */
  | ({ ok: false } & Worker);
