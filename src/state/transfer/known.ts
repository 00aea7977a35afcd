import type { Row } from './script.ts';

/** All that a state knows of one recording, in every bucket; rows have the columns of `COLUMNS`. */
export interface KnownOfRecording {
  recordingId: string;
  recordings: Row[];
  files: Row[];
  multipart_uploads: Row[];
  parts: Row[];
  begun_uploads: Row[];
  pruned_deliveries: Row[];
  /** The oldest first: their order is what the databases' own numbers say. */
  deliveries: { row: Row; attempts: Row[] }[];
}

/** What a state knows beside recordings. */
export interface KnownBeside {
  queue: Row[];
  begun_uploads: Row[];
  endpoints: Row[];
  totals: Row[];
  successes: Row[];
  alert_causes: Row[];
  /** The oldest first. */
  alert_messages: Row[];
}

/** How much a state knows. */
export interface Counts {
  recordings: number;
  files: number;
  parts: number;
  deliveries: number;
  attempts: number;
  queued: number;
}

export const NOTHING: Counts = { recordings: 0, files: 0, parts: 0, deliveries: 0, attempts: 0, queued: 0 };

export function countsOf(known: KnownOfRecording): Counts {
  return {
    recordings: known.recordings.length,
    files: known.files.length,
    parts: known.parts.length,
    deliveries: known.deliveries.length + known.pruned_deliveries.length,
    attempts: known.deliveries.reduce((sum, { attempts }) => sum + attempts.length, 0),
    queued: 0,
  };
}

export function plus(one: Counts, other: Counts): Counts {
  const keys = Object.keys(one) as (keyof Counts)[];
  return Object.fromEntries(keys.map(key => [key, one[key] + other[key]])) as unknown as Counts;
}

/** Whether two rows, or lists of rows, or recordings say the same. Their columns are in one order. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
