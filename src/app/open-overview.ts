import { readOverview, type StateOverview } from '../state/sqlite/overview.ts';
import { openReadOnly } from '../state/sqlite/read-only.ts';
import { type DeliveryHistory, type RecordingStatus, readRecording } from '../state/sqlite/recording-status.ts';

export type { DeliveryHistory, RecordingStatus, StateOverview };

/** The state for looking at: nothing is made, upgraded or locked. Calls between two `refresh` see one moment. */
export interface Overview {
  /** Everything that is not done, at most `limit` entries of each kind, and counts of all. */
  all(options: { limit: number }): Promise<StateOverview>;
  /** All that is known of one recording, in each bucket. */
  recording(id: string): Promise<{ recordings: RecordingStatus[]; deliveries: DeliveryHistory[] }>;
  /** IDs of recordings that begin with `prefix`, the latest first, each once. */
  recordingIds(prefix: string, options: { limit: number }): Promise<string[]>;
  /** Lets the next call see what has been written since. */
  refresh(): void;
  close(): void;
}

/**
 * Opens the state for reading.
 * @returns undefined where there is no state yet
 * @throws AppError `STATE` where it cannot be read
 */
export async function openOverview(stateDir: string): Promise<Overview | undefined> {
  const state = openReadOnly(stateDir);
  if (!state) return undefined;
  return {
    all: async options => readOverview(state, stateDir, options),
    recording: async id => readRecording(state, stateDir, id),
    async recordingIds(prefix, { limit }) {
      const rows = state.all(
        `SELECT id FROM recordings WHERE created_at > 0 AND substr(id, 1, ?) = ? ORDER BY updated_at DESC LIMIT ?`,
        prefix.length,
        prefix,
        limit,
      );
      return [...new Set(rows.map(row => String(row.id)))];
    },
    refresh: () => state.refresh(),
    close: () => state.close(),
  };
}
