import type { HeldReason } from '../delivery/delivery.ts';
import type { EndpointState } from '../delivery/endpoints.ts';
import type { DeliveryHistory } from '../delivery/outbox.ts';
import type { QueuedUpload } from '../upload/queue.ts';
import type { Measures } from './measures.ts';
import type { Activity, ActivitySince, DeliveriesFilter, ListedDelivery, Page, RecordingsFilter } from './pages.ts';
import type { Machine, Worker } from './worker.ts';

/*
 * What is unfinished, what waits, and how much is done. Times are milliseconds since 1970; `target` is `<endpoint>/<bucket>`.
 */

/** An upload that is not done. */
export interface UnfinishedUpload {
  target: string;
  id: string;
  dir: string;
  /** The machine that has the folder; undefined where the state is of one machine. */
  machine?: string | undefined;
  /**
   * `recording`: it is still being recorded, and a living process uploads what is finished of it. `uploading`: a living
   * process is at work on it. `partial`: `retry` resumes it.
   */
  state: 'recording' | 'uploading' | 'partial';
  /** The process at work. */
  pid: number | null;
  since: number;
  updatedAt: number;
  error: string | null;
  files: FileProgress[];
  /** The bucket has another recording with this id: no retry helps. */
  isForeign?: true | undefined;
}

/** How far a file is. */
export interface FileProgress {
  name: string;
  /** `sending`: some of its parts are in the bucket. */
  state: 'uploaded' | 'sending' | 'pending';
  sizeBytes: number;
  partsDone: number;
  /** 0 where it is not known yet. */
  parts: number;
  error: string | null;
}

/** A webhook that is not delivered. */
export interface WaitingDelivery {
  recordingId: string;
  endpoint: string;
  webhookId: string;
  state: 'held' | 'waiting';
  heldReason: HeldReason | null;
  attempts: number;
  since: number;
  nextAt: number | null;
  /** What the last try failed with. */
  error: string | null;
}

/** An endpoint to which nothing is sent, or nothing by some of those who share the state. */
export interface BlockedEndpoint {
  name: string;
  /** `disabled: <reason>` or `refuses the token of <machines>`. */
  reason: string;
  /** It refuses a token. */
  isRefusing?: true | undefined;
  /** Somebody else has a token that it does not refuse. */
  hasSender?: boolean | undefined;
  /** The configuration has no token for it. */
  isTokenless?: true | undefined;
  /** The configuration does not have it any more. */
  isUnconfigured?: true | undefined;
  since: number | null;
}

/** What is unfinished, what waits, and how much is done. Each list has at most as many entries as the caller asked for, the oldest first. */
export interface StateOverview {
  counts: {
    recording: number;
    uploading: number;
    partial: number;
    /** Folders whose upload was asked for, waits, and begins by itself. */
    queued: number;
    /** Folders that were refused before anything of them was sent. */
    refused: number;
    done: number;
    /** Of those, the ones whose local files were removed. */
    removed: number;
    waiting: number;
    held: number;
    delivered: number;
    superseded: number;
  };
  /** Those that a process is at work on come first. */
  uploads: UnfinishedUpload[];
  queued: QueuedUpload[];
  refused: QueuedUpload[];
  held: WaitingDelivery[];
  /** The one that is due next first. */
  waiting: WaitingDelivery[];
  endpoints: BlockedEndpoint[];
  /** When the next webhook is due. */
  nextAt: number | null;
  /** Since when the oldest of each has been waiting; `upload`: of all unfinished uploads of finished recordings. */
  oldest: {
    partial: number | null;
    upload: number | null;
    queued: number | null;
    refused: number | null;
    waiting: number | null;
  };
  /** The process of `recordupload watch`; undefined if none runs. */
  worker: Worker | undefined;
}

/** The files in the folder that the recording was uploaded from. */
export interface LocalCopy {
  /** When they were removed (`deleteAfter`); null: they were not. */
  removedAt: number | null;
  /** Why they were kept when their time had come; null: it has not, or nothing is wrong. */
  kept: string | null;
}

/** Where nothing has been uploaded yet. */
export const EMPTY_OVERVIEW: StateOverview = {
  counts: {
    recording: 0,
    uploading: 0,
    partial: 0,
    queued: 0,
    refused: 0,
    done: 0,
    removed: 0,
    waiting: 0,
    held: 0,
    delivered: 0,
    superseded: 0,
  },
  uploads: [],
  queued: [],
  refused: [],
  held: [],
  waiting: [],
  endpoints: [],
  nextAt: null,
  oldest: { partial: null, upload: null, queued: null, refused: null, waiting: null },
  worker: undefined,
};

/** One recording in one bucket, as the state knows it. */
export interface RecordingStatus {
  target: string;
  id: string;
  dir: string;
  /** The machine that has the folder; undefined where the state is of one machine. */
  machine?: string | undefined;
  state: 'recording' | 'uploading' | 'partial' | 'done';
  pid: number | null;
  /** Since when something is missing; null once it is done. */
  since: number | null;
  updatedAt: number;
  error: string | null;
  files: FileProgress[];
  /** The bytes of `metadata.json` in the bucket. */
  metadata: string | null;
  local: LocalCopy;
}

/** All that is known of one recording. */
export interface KnownOfRecording {
  /** In each bucket. */
  recordings: RecordingStatus[];
  /** Folders of this ID, or of this name, whose upload has not begun; waiting or refused. */
  queue: QueuedUpload[];
  /** Each of its webhooks, the oldest first. */
  deliveries: DeliveryHistory[];
}

/** Which recordings `Overview.recent` lists. */
export interface RecentFilter {
  /** `waiting`, `held`: one of its webhooks is. */
  state?: 'recording' | 'uploading' | 'partial' | 'done' | 'waiting' | 'held' | undefined;
  /** Only those of this machine. */
  machine?: string | undefined;
  /** Touched at or after this time. */
  since?: number | undefined;
  limit: number;
}

/** Which folders of the queue `Overview.queue` lists. */
export interface QueueFilter {
  state?: QueuedUpload['state'] | undefined;
  /** Only those of this machine. */
  machine?: string | undefined;
  /** Asked for or looked at then or later. */
  since?: number | undefined;
  limit: number;
}

/** A recording in a list: one line of it. */
export interface RecentRecording {
  target: string;
  id: string;
  dir: string;
  /** The machine that has the folder; undefined where the state is of one machine. */
  machine?: string | undefined;
  title: string;
  state: 'recording' | 'uploading' | 'partial' | 'done';
  /** When it was finished, or tried last. */
  updatedAt: number;
  /** Files in the bucket. */
  files: number;
  /** Their bytes. */
  storedBytes: number;
  /** When the local files were removed (`deleteAfter`); null: they were not. */
  localRemovedAt: number | null;
  /** The newest webhook to each endpoint. */
  webhooks: { endpoint: string; state: 'waiting' | 'held' | 'delivered' | 'superseded' | 'discarded' }[];
}

/** A state of which only a part can be read. */
export interface StateDamage {
  file: string;
  /** What is missing in the answers, by the table's name; `all`: not a row of it could be read. */
  unreadable: { table: string; all: boolean }[];
}

/**
 * Reads what is unfinished, what waits, and how much is done; each answer is of one moment.
 * @throws AppError `STATE` (every method) if the state cannot be read
 */
export interface Overview {
  /**
   * Its cost does not grow with what is done: that is counted from indexes and never read.
   * @param options.machine only the uploads and folders of this machine; webhooks are of all
   */
  all(options: { limit: number; machine?: string | undefined }): Promise<StateOverview>;
  /** All that is known of one recording: in each bucket, and each of its webhooks, the oldest first. */
  recording(id: string): Promise<KnownOfRecording>;
  /** Recordings, the one that was touched last first. */
  recent(filter: RecentFilter): Promise<RecentRecording[]>;
  /** Folders whose upload has not begun, the one that was asked for or looked at last first. */
  queue(filter: QueueFilter): Promise<QueuedUpload[]>;
  /** Ids of recordings that begin so, the one that was touched last first. */
  recordingIds(prefix: string, options: { limit: number }): Promise<string[]>;
  /** Recordings page by page. Its cost grows neither with how many there are nor with how many came before. */
  recordingsPage(filter: RecordingsFilter): Promise<Page<RecentRecording>>;
  /** Webhooks that are held or wait, page by page. */
  deliveriesPage(filter: DeliveriesFilter): Promise<Page<ListedDelivery>>;
  /** What was finished since. */
  activity(since: ActivitySince): Promise<Activity>;
  /** What the state knows of endpoints beside their deliveries, by name. */
  endpointStates(): Promise<EndpointState[]>;
  /** The process of `recordupload watch` on this machine; undefined if none runs. */
  worker(): Promise<Worker | undefined>;
  /** The machines that share the state, by name; none where the state is of one machine. */
  machines(): Promise<Machine[]>;
  /** What monitoring asks for. Its cost does not grow with what is done. */
  measures(): Promise<Measures>;
}
