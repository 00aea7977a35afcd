/** What a pruning removed, or would remove. */
export interface PruneReport {
  /** Delivered and superseded deliveries, with all their tries. */
  deliveries: number;
  /** Files and rows that processes left when they died. */
  deadOwners: number;
  /** By how much the state shrank on disk. */
  freedBytes: number;
  /** State files that were set aside, in the state folder; they stay, for people to look into. */
  setAside: string[];
}

/** Keeps the state small. */
export interface Housekeeping {
  /**
   * Removes what nobody needs any more: deliveries that were delivered or superseded before a time, and what dead
   * processes left. What is pending or held stays, however old. Times are milliseconds since 1970.
   * @throws AppError `STATE`
   */
  prune(options: { settledBefore: number; now: number; dryRun: boolean }): Promise<PruneReport>;
}
