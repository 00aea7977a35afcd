import { isNativeError } from 'node:util/types';
import { AppError } from '../errors.ts';
import { type FileIdentity, sameFile } from '../recording/file-identity.ts';
import { FileReplaced } from '../recording/open-file.ts';
import type { RecordingInProgress } from '../recording/read-in-progress.ts';
import { StorageFailure } from '../storage/failure.ts';
import { MAX_PARTS } from '../storage/part-plan.ts';
import { bothThrottles, type Throttle, throttleUntil } from '../storage/throttle.ts';
import { isReallyGone } from './complete-upload.ts';
import { giveUpLive } from './give-up-live.ts';
import { openGrowing } from './growing-file.ts';
import { type LivePlaces, livePlaces } from './live-places.ts';
import { compareLive, type OpenLive, openLiveUpload } from './open-live.ts';
import { changedHead, dueParts, type LiveSending, sendLiveParts } from './send-live-parts.ts';
import type { UploadSession } from './session.ts';

/*
 * Uploads a recording while it is recorded: finished stretches of its video go up as the parts of one open upload, in the
 * ordinary journal. Its upload, once it is finished, finds that upload, checks each part against the file, sends what has
 * changed and what is missing, and completes it. So nothing here completes an object, and nothing here has to be right for
 * the object to be right.
 */

/** The upload of one recording in progress. */
export interface LiveUpload {
  readonly recording: RecordingInProgress;
  /** Nothing of it is sent any more. */
  readonly hasEnded: boolean;
  /**
   * Looks at the video and sends what is finished of it, until nothing more is. Call it whenever the file may have grown;
   * calls while one is at work join it. What fails is announced, and tried again by a call a minute later.
   */
  grown(): Promise<void>;
  /**
   * Gives the claim on the recording back and keeps the parts: call it before the recording's upload, or to end. Parts on
   * their way may arrive first, unless the session's signal aborts or nothing moves.
   */
  stop(): Promise<void>;
  /** Ends it and removes its parts from the bucket: nobody will finish this upload. Announced once. */
  giveUp(reason: string): Promise<void>;
}

export interface LiveSettings {
  /** How much of the line they may take, all together. */
  throttle: Throttle;
  /** Parts of this size at first. */
  partSizeBytes?: number;
  /** Larger ones once this many would not do. */
  maxParts?: number;
}

/** Large enough for any store, small enough that little is left at the end. */
const PART_BYTES = 8 * 1024 * 1024;
/** After a failure, live waits for so long. */
const PAUSE_MS = 60_000;
/** A video that is gone for so long does not come back. */
const GONE_MS = 3_000;
/** At the end, parts on their way are waited for as long as bytes move at least this often. */
const STALLED_MS = 5_000;
/** How often one live upload begins again with an upload that the store has lost. */
const MAX_STARTS = 3;

const NO_FILE: FileIdentity = { sizeBytes: -1, mtimeNs: '', inode: '' };

/** Makes the uploads of recordings in progress; they share places and pace. */
export function liveUploads(session: UploadSession, settings: LiveSettings) {
  const places = livePlaces(session.inFlight);
  return {
    /**
     * Nothing is asked for or claimed before the video has the length of two parts.
     * @param isDeleted tells, when the video is not there any more, whether it was deleted or its drive may come back
     */
    open: (recording: RecordingInProgress, isDeleted = async () => true): LiveUpload =>
      new Live(recording, session, places, settings, isDeleted),
  };
}

class Live implements LiveUpload {
  readonly recording: RecordingInProgress;
  #session: UploadSession;
  /** For what is left to do in the bucket once parts on their way are broken off. */
  readonly #whole: UploadSession;
  readonly #sending: LiveSending;
  readonly #isDeleted: () => Promise<boolean>;
  readonly #maxParts: number;
  #partSizeBytes: number;
  /** Undefined: nothing was begun. */
  #open: OpenLive | undefined;
  #isClaimed = false;
  /** No further part is begun. */
  readonly #stopping = new AbortController();
  /** Parts on their way are broken off. */
  readonly #broken = new AbortController();
  #running: Promise<void> | undefined;
  #again = false;
  #pausedUntil = 0;
  #isPauseSaid = false;
  #goneSince: number | undefined;
  #starts = 0;
  #movedAt = 0;
  #lastLook: FileIdentity = NO_FILE;
  /** The file's time stamp when its head was looked at last. */
  #headAt: string | undefined;

  constructor(
    recording: RecordingInProgress,
    session: UploadSession,
    places: LivePlaces,
    settings: LiveSettings,
    isDeleted: () => Promise<boolean>,
  ) {
    this.recording = recording;
    this.#isDeleted = isDeleted;
    this.#whole = session;
    this.#session = {
      ...session,
      signal: AbortSignal.any([session.signal, this.#broken.signal]),
      // At the end, what is on its way is the finished recording's.
      throttle: bothThrottles(session.throttle, throttleUntil(this.#stopping.signal, settings.throttle)),
    };
    this.#sending = {
      places,
      stopping: AbortSignal.any([this.#stopping.signal, session.signal]),
      onMoved: () => {
        this.#movedAt = session.clock.monotonic();
      },
      onSent: () => {
        this.#isPauseSaid = false;
      },
    };
    this.#maxParts = settings.maxParts ?? MAX_PARTS;
    this.#partSizeBytes = settings.partSizeBytes ?? PART_BYTES;
  }

  grown(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const running = this.#running;
    if (running) await Promise.all([running, this.#breakStalled(running)]);
    await this.#release();
  }

  /** Breaks off parts on their way once they stop moving. */
  async #breakStalled(running: Promise<void>): Promise<void> {
    const { clock } = this.#session;
    const ended = new AbortController();
    void running.finally(() => ended.abort()).catch(() => {});
    for (this.#movedAt = clock.monotonic(); !ended.signal.aborted; ) {
      const leftMs = this.#movedAt + STALLED_MS - clock.monotonic();
      if (leftMs <= 0) return this.#broken.abort(new Error('the live upload has ended'));
      await clock.sleep(leftMs, ended.signal).catch(() => {});
    }
  }

  async giveUp(reason: string): Promise<void> {
    this.#stopping.abort();
    this.#broken.abort(new Error('the live upload is given up'));
    await this.#running;
    await this.#giveUp(reason);
  }

  get hasEnded(): boolean {
    return this.#stopping.signal.aborted || this.#session.signal.aborted;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.hasEnded && this.#session.clock.monotonic() >= this.#pausedUntil) {
      this.#again = false;
      try {
        if (await this.#look()) this.#again = true;
      } catch (error) {
        await this.#failed(error);
      }
    }
  }

  /** @returns true if something was sent, so that the file may have grown meanwhile */
  async #look(): Promise<boolean> {
    using file = await openGrowing(this.recording.video.path);
    if (!file) return await this.#gone();
    this.#goneSince = undefined;
    if (!this.#open && file.identity.sizeBytes < 2 * this.#partSizeBytes) return false;
    this.#open ??= await this.#begin(file.identity);
    if (!this.#open) return false;
    const larger = await compareLive(this.#open, file.identity, this.#maxParts);
    if (larger) {
      this.#partSizeBytes = larger.partSizeBytes;
      this.#open = undefined;
      return true;
    }
    const isQuiet = sameFile(this.#lastLook, file.identity);
    this.#lastLook = file.identity;
    let parts = await dueParts(this.#open.state, file);
    if (parts.length === 0 && isQuiet && this.#headAt !== file.identity.mtimeNs) {
      // Its end may have come. Whether that is so shows in a few seconds; the line is idle meanwhile.
      this.#headAt = file.identity.mtimeNs;
      parts = await changedHead(this.#open, file);
    }
    if (parts.length > 0) await sendLiveParts(this.#open, parts, file, this.#sending);
    return parts.length > 0;
  }

  /** Claims the recording and opens its upload, or finds that of an earlier process. */
  async #begin(file: FileIdentity): Promise<OpenLive | undefined> {
    if (!this.#isClaimed && !(await this.#claim())) return undefined;
    const opened = await openLiveUpload(this.recording, this.#session, file, {
      partSizeBytes: this.#partSizeBytes,
      assertGoesOn: () => this.#stopping.signal.throwIfAborted(),
    });
    if (!('why' in opened)) return opened;
    this.#pause(opened.why);
    this.#stopping.abort();
    return void (await this.#release());
  }

  async #claim(): Promise<boolean> {
    const { journal, bucket, clock, newToken } = this.#session;
    const begun = await journal.beginLive(bucket.target, this.recording, { now: clock.now() });
    if (begun.ok) {
      this.#isClaimed = true;
      const ownToken = `${begun.token}.`;
      this.#session = { ...this.#session, ownToken, newToken: () => `${ownToken}${newToken()}` };
    } else if ('pid' in begun) this.#pause(`process ${begun.pid} is at work on it`);
    else if ('machine' in begun) this.#pause(`machine ${begun.machine} has a recording with its ID`);
    // Its upload was begun before, so that it is uploaded when it is finished.
    else this.#stopping.abort();
    return begun.ok;
  }

  async #gone(): Promise<boolean> {
    const now = this.#session.clock.monotonic();
    this.#goneSince ??= now;
    if (now - this.#goneSince >= GONE_MS && (await this.#isDeleted())) {
      this.#stopping.abort();
      await this.#giveUp('the video was removed or renamed');
    }
    return false;
  }

  async #failed(error: unknown): Promise<void> {
    if (this.hasEnded) return;
    const known =
      error instanceof AppError || error instanceof FileReplaced || (isNativeError(error) && 'code' in error);
    if (!known) throw error;
    try {
      const open = this.#open;
      if (
        open &&
        (await isReallyGone(open.context, open.state.upload.uploadId, error)) &&
        ++this.#starts <= MAX_STARTS
      ) {
        await open.context.journal.dropUpload(open.context.ref);
        this.#open = undefined;
        this.#again = true;
        return;
      }
    } catch {
      // The store cannot be asked: the failure counts as it is.
    }
    this.#pause(error instanceof StorageFailure ? error.brief : (error as Error).message);
  }

  #pause(reason: string): undefined {
    const { clock, observer } = this.#session;
    const { id: recordingId, video } = this.recording;
    this.#pausedUntil = clock.monotonic() + PAUSE_MS;
    if (!this.#isPauseSaid) observer({ type: 'live-paused', recordingId, name: video.name, reason });
    this.#isPauseSaid = true;
  }

  async #release(): Promise<void> {
    if (!this.#isClaimed) return;
    this.#isClaimed = false;
    const { journal, bucket } = this.#session;
    const ref = { target: bucket.target, recordingId: this.recording.id };
    if (this.#open) await journal.release(ref);
    // Nothing of it is in the bucket, so that nothing has to be known of it.
    else await journal.forgetLive(ref);
  }

  async #giveUp(reason: string): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open) await giveUpLive(this.recording.id, this.recording.video.name, reason, this.#whole);
    await this.#release();
  }
}
