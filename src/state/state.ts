import type { AlertBook } from '../core/alerts/alert-book.ts';
import type { DeliveryPorts } from '../core/delivery/delivery-ports.ts';
import type { Housekeeping } from '../core/delivery/housekeeping.ts';
import type { AppError } from '../core/errors.ts';
import type { Overview, StateDamage } from '../core/status/overview.ts';
import type { TakeWorkerResult } from '../core/status/worker.ts';
import type { UploadJournal } from '../core/upload/journal.ts';
import type { KnownFolders } from '../core/upload/known-folders.ts';
import type { LocalFiles } from '../core/upload/local-files.ts';
import type { UploadQueue } from '../core/upload/queue.ts';

/** An open state: the core's ports over one database. Any number of processes may have the same state open. */
export interface State extends DeliveryPorts {
  journal: UploadJournal;
  queue: UploadQueue;
  folders: KnownFolders;
  localFiles: LocalFiles;
  overview: Overview;
  alerts: AlertBook;
  housekeeping: Housekeeping;
  /** Undefined where asking costs nothing: the state is this machine's own. */
  changes?: Changes | undefined;
  /**
   * Makes this process the worker of the state, if no other one is.
   * @param now milliseconds since 1970
   * @throws AppError `STATE`
   */
  takeWorker(now: number): Promise<TakeWorkerResult>;
  /** Notes that the worker went through all that was due. @throws AppError `STATE` */
  notePass(now: number): Promise<void>;
  /**
   * Brings what this machine has kept while the fleet's database was away over to it. Undefined: the state is this machine's
   * own.
   * @returns undefined if there was nothing to bring, or the database is still away
   * @throws AppError `STATE`
   */
  bringOver?(): Promise<BroughtOver | undefined>;
  /** Why the fleet's database cannot be used at the moment; undefined: it can, or the state is this machine's own. */
  away?(): string | undefined;
  /** Closes it once every write that was asked for has ended. This process's claims are void then. */
  close(): Promise<void>;
}

/** What was brought over to the fleet's database. */
export interface BroughtOver {
  recordings: number;
  /** Webhooks that are queued there now. */
  webhooks: number;
  /** Recordings that another machine has uploaded meanwhile: the webhooks of this machine's are not sent. */
  others: { recordingId: string; machine: string }[];
}

/** What other processes put into a state that several machines share. */
export interface Changes {
  /**
   * Calls `onWake` when webhooks may have become due, or a folder of this machine was put into the queue; sometimes more
   * often.
   * @returns stops that
   */
  subscribe(onWake: () => void): () => void;
  /** How long nobody has to ask the state whether something has come, in milliseconds: longer while it can be heard. */
  pauseMs(): number;
}

/** A state for looking at alone. */
export interface OpenOverview extends Overview {
  /** What was found to be damaged so far: ask after reading. Undefined: nothing. */
  damage(): StateDamage | undefined;
  /** Why the answers are of this machine alone: the fleet's database is away. Ask after reading. Undefined: they are not. */
  alone?(): string | undefined;
  close(): void;
}

/** How to open a state. */
export interface StateOptions {
  /** Gets one line for what was lost: a damaged state that was set aside, or one that is missing. */
  warn?: ((message: string) => void) | undefined;
  /** This process, as the others see it; its own pid unless given. */
  pid?: number | undefined;
  /** The state is the fleet's; the folder is this machine's. */
  fleet?: FleetOptions | undefined;
}

/** A state that machines share, in PostgreSQL. */
export interface FleetOptions {
  /** A URL of libpq's kind. Secret. */
  url: string;
  /** This machine's name. */
  machine: string;
  /** It is the host's, and not configured. */
  isHostName?: boolean | undefined;
  /** A path is the same folder on every machine. */
  sharedFolders: boolean;
  /** What the program calls itself: `recordupload/<version>`. */
  program: string;
  /** Certificates that are trusted, in PEM; Node's unless given. */
  ca?: string | undefined;
}

/** What `doctor` shows of a database. */
export interface DatabaseFacts {
  /** `db.example.com:5432`, or the file of a socket. */
  host: string;
  serverVersion: string;
  /** 0: nothing was made in it yet. */
  schemaVersion: number;
  isEncrypted: boolean;
  /** A pooler is between this machine and the server. */
  isPooled: boolean;
  /** The error that the first upload would meet: the role may not do something, or another machine has the name. */
  lacks: AppError | undefined;
  roundTripMs: number;
}
