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
  /**
   * Whether the caller is to tidy up now: nobody has done it within `everyMs`, nor tried within `againMs`. The try is
   * noted, so that of several processes one does it. A time ahead of `now` comes from a clock that was wrong, and counts
   * as long ago.
   * @throws AppError `STATE`
   */
  takeTurn(options: { everyMs: number; againMs: number; now: number }): Promise<boolean>;
  /** Notes that everything was tidied up. @throws AppError `STATE` */
  noteTidied(now: number): Promise<void>;
}
