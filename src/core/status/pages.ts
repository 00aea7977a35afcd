import type { HeldReason } from '../delivery/delivery.ts';

/*
 * Long lists, read page by page. Times are milliseconds since 1970.
 */

/** A part of a list. */
export interface Page<Entry> {
  entries: Entry[];
  /** Where the next page begins, for `after`; undefined: this is the last one. */
  next: string | undefined;
  /** A text was looked for in entries that were touched at or after this time; undefined: in all. `next` goes on with older ones. */
  searchedTo?: number | undefined;
}

/** Which recordings; a field that is left out does not narrow. The one that was touched last comes first. */
export interface RecordingsFilter {
  state?: 'recording' | 'uploading' | 'partial' | 'done' | 'waiting' | 'held' | undefined;
  /** Only those of this machine. */
  machine?: string | undefined;
  /** In the ID or the title; ASCII letters in either case. The first page finds an ID that is exactly this wherever it is. */
  text?: string | undefined;
  /** With `text`: so many recordings are looked at; as many as the database reads in half a second unless given. */
  searchAtMost?: number | undefined;
  /** Touched at or after this time. */
  since?: number | undefined;
  /** Touched before this time. */
  until?: number | undefined;
  /** `Page.next` of the page before. One that no page has given counts as none. */
  after?: string | undefined;
  limit: number;
}

/** Which webhooks; a field that is left out does not narrow. */
export interface DeliveriesFilter {
  /** `held`: those that were held last come first. `waiting`: those that are due next. */
  state: 'held' | 'waiting';
  endpoint?: string | undefined;
  /** Only those of this recording. */
  recordingId?: string | undefined;
  after?: string | undefined;
  limit: number;
}

/** A webhook that is not delivered, in a list. */
export interface ListedDelivery {
  seq: number;
  webhookId: string;
  recordingId: string;
  endpoint: string;
  state: 'held' | 'waiting';
  heldReason: HeldReason | null;
  attempts: number;
  createdAt: number;
  /** When it was held; null while it waits. */
  heldAt: number | null;
  /** When it is sent next; null while it is held. */
  nextAt: number | null;
  /** What the last try failed with. */
  error: string | null;
  /** What the server answered to it. */
  status: number | null;
}

export interface ActivitySince {
  /** Recordings that are done count from this time on. */
  doneSince: number;
  /** Bytes of files that arrived in the bucket count from this time on. */
  bytesSince: number;
}

export interface Activity {
  /** Recordings that were finished. */
  done: number;
  /** Bytes of files that have arrived in the bucket, by the minute in which the last byte did; minutes without any are left out. */
  minutes: { /** Minutes since 1970. */ minute: number; bytes: number }[];
}
