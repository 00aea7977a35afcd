import type { FolderLook } from './folder-look.ts';

/** Uploads what is still being recorded. */
export interface LiveRecordings {
  /** The worker has looked at a recording that is not finished. Begins to send its video, or goes on with it. */
  grown(look: FolderLook): void;
  /**
   * Ends it: its upload begins, or its folder is gone. Gives the recording back and keeps the parts in the bucket.
   * Resolves at once for a folder that it does nothing for.
   */
  stop(dir: string): Promise<void>;
  /** Ends all. */
  close(): Promise<void>;
}

/** What is still being recorded waits for its end. */
export const NOT_LIVE: LiveRecordings = { grown() {}, stop: async () => {}, close: async () => {} };
