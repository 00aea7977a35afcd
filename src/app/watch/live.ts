import type { FolderLook } from './folder-look.ts';

/** Uploads what is still being recorded. */
export interface LiveRecordings {
  /** The worker has looked at a recording that is not finished. Begins to send its video, or goes on with it. */
  grown(look: FolderLook): void;
  /** Ends it: its folder is gone. What was sent is removed from the bucket, unless the folder may come back. */
  gone(dir: string): Promise<void>;
  /**
   * Ends it: its upload begins. Gives the recording back and keeps the parts in the bucket.
   * Resolves at once for a folder that it does nothing for.
   */
  stop(dir: string): Promise<void>;
  /** Ends all. */
  close(): Promise<void>;
}
