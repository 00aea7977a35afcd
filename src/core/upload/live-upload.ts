import { isNativeError } from 'node:util/types';
import { AppError } from '../errors.ts';
import { type FileIdentity, sameFile } from '../recording/file-identity.ts';
import { objectKey } from '../recording/object-key.ts';
import { FileReplaced } from '../recording/open-file.ts';
import type { Recording, RecordingFile } from '../recording/recording.ts';
import { bufferBody } from '../storage/body.ts';
import { StorageFailure } from '../storage/failure.ts';
import { MAX_PARTS, type Part, partSizeFor } from '../storage/part-plan.ts';
import { bothThrottles, type Throttle } from '../storage/throttle.ts';
import { formatBytes } from '../units.ts';
import { begin, giveUp } from './begin-upload.ts';
import { isReallyGone, type UploadState } from './complete-upload.ts';
import { type GrowingFile, hashBytes, openGrowing } from './growing-file.ts';
import { type LivePlaces, livePlaces } from './live-places.ts';
import { type FileContext, fileContext, type UploadSession } from './session.ts';
import { whyNotLive } from './why-not-live.ts';

/*
 * Uploads a recording while it is recorded: finished stretches of its video go up as the parts of one open upload, in the
 * ordinary journal. Its upload, once it is finished, finds that upload, checks each part against the file, sends what has
 * changed and what is missing, and completes it. So nothing here completes an object, and nothing here has to be right for
 * the object to be right.
 */

/** A recording in progress, as its folder is now. */
export interface LiveRecording extends Pick<Recording, 'id' | 'dir' | 'details'> {
  video: RecordingFile;
}

/** What the state and the bucket have of it. */
interface OpenLive {
  context: FileContext;
  state: UploadState;
  /** As the last look found it. */
  file: FileIdentity;
}

/** The upload of one recording in progress. */
export interface LiveUpload {
  readonly recording: LiveRecording;
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
/** So many parts before the limit, larger ones are begun with: the last ones follow when the file is finished. */
const SPARE_PARTS = 10;
/** After a failure, live waits for so long. */
const PAUSE_MS = 60_000;
/** A video that is gone for so long does not come back. */
const GONE_MS = 3_000;
/** At the end, parts on their way are waited for as long as bytes move at least this often. */
const STALLED_MS = 5_000;
/** A recorder that reserved room has no data behind so many stretches of zeros. */
const MOST_UNWRITTEN = 4;
/** How often one live upload begins again with an upload that the store has lost. */
const MAX_STARTS = 3;

/** Makes the uploads of recordings in progress; they share places and pace. */
export function liveUploads(session: UploadSession, settings: LiveSettings) {
  const places = livePlaces(session.inFlight);
  const throttle = bothThrottles(session.throttle, settings.throttle);
  return {
    /** Nothing is asked for or claimed before the video has the length of two parts. */
    open: (recording: LiveRecording): LiveUpload => new Live(recording, { ...session, throttle }, places, settings),
  };
}

class Live implements LiveUpload {
  readonly recording: LiveRecording;
  readonly #session: UploadSession;
  readonly #places: LivePlaces;
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

  constructor(recording: LiveRecording, session: UploadSession, places: LivePlaces, settings: LiveSettings) {
    this.recording = recording;
    this.#session = { ...session, signal: AbortSignal.any([session.signal, this.#broken.signal]) };
    this.#places = places;
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

  get #isOver(): boolean {
    return this.#stopping.signal.aborted || this.#session.signal.aborted;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#isOver && this.#session.clock.monotonic() >= this.#pausedUntil) {
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
    await this.#compare(this.#open, file.identity);
    if (!this.#open) return true;
    const parts = await this.#due(this.#open.state, file);
    if (parts.length > 0) await this.#sendAll(this.#open, parts, file);
    return parts.length > 0;
  }

  /** Claims the recording and opens its upload, or finds that of an earlier process. */
  async #begin(file: FileIdentity): Promise<OpenLive | undefined> {
    const { recording } = this;
    const { journal, bucket, clock, observer } = this.#session;
    const { id: recordingId, dir, video } = recording;
    if (!this.#isClaimed) {
      const begun = await journal.beginLive(bucket.target, recording, { now: clock.now() });
      if (!begun.ok && 'pid' in begun) return this.#pause(`process ${begun.pid} is at work on it`);
      // Its upload was begun before, so that it is uploaded when it is finished.
      if (!begun.ok) return void this.#stopping.abort();
      this.#isClaimed = true;
      const ownToken = `${begun.token}.`;
      const { newToken } = this.#session;
      Object.assign(this.#session, { ownToken, newToken: () => `${ownToken}${newToken()}` });
    }
    const key = objectKey(recordingId, video.name);
    const context = fileContext(this.#session, recordingId, video.name, key, () =>
      this.#stopping.signal.throwIfAborted(),
    );
    const known = await journal.openUpload(context.ref);
    if (known && known.upload.uploadId !== null) {
      const { uploadId, ...upload } = known.upload;
      this.#partSizeBytes = upload.partSizeBytes;
      await journal.fileLookedAt(context.ref, { ...upload, live: true });
      const parts = new Map(known.parts.map(part => [part.number, part]));
      observer({ type: 'live-started', recordingId, dir, name: video.name, resumedParts: parts.size });
      return { context, state: { upload: { ...upload, uploadId, live: true }, parts }, file: upload };
    }
    const why = known ? undefined : await whyNotLive(recording, this.#session, context);
    if (why !== undefined) {
      this.#pause(why);
      this.#stopping.abort();
      return void (await this.#release());
    }
    const facts = { ...file, contentType: video.contentType };
    const state = await begin(facts, context, { partSizeBytes: this.#partSizeBytes, live: true });
    observer({ type: 'live-started', recordingId, dir, name: video.name, resumedParts: 0 });
    return { context, state, file };
  }

  /** Compares the file with the last look at it: it may be another one now, or have outgrown its parts. */
  async #compare(open: OpenLive, now: FileIdentity): Promise<void> {
    const { context, state, file } = open;
    const { observer, recordingId, key, journal, ref } = context;
    const { partSizeBytes } = state.upload;
    if (Math.floor(now.sizeBytes / partSizeBytes) > this.#maxParts - SPARE_PARTS) {
      this.#partSizeBytes = Math.max(2 * partSizeBytes, partSizeFor(2 * now.sizeBytes));
      const sizes = `${formatBytes(partSizeBytes)} have become too many; starting over with ${formatBytes(this.#partSizeBytes)}`;
      observer({ type: 'warning', recordingId, message: `${key}: parts of ${sizes}` });
      await giveUp(context);
      this.#open = undefined;
      return;
    }
    if (now.inode !== file.inode || now.sizeBytes < file.sizeBytes) {
      const numbers = [...state.parts.keys()];
      const what = now.inode === file.inode ? 'has become shorter' : 'was replaced by another file';
      const message = `${key}: the video ${what} while it was uploaded; its ${numbers.length} parts are sent again`;
      if (numbers.length > 0) observer({ type: 'warning', recordingId, message });
      await journal.removeParts(ref, numbers);
      state.parts.clear();
    }
    if (!sameFile(now, file)) await journal.fileLookedAt(ref, { ...now, live: true });
    open.file = now;
  }

  /** The finished stretches that the bucket does not have. The end of the file is still being written. */
  async #due({ upload, parts }: UploadState, file: GrowingFile): Promise<Part[]> {
    const { partSizeBytes: sizeBytes } = upload;
    const due: Part[] = [];
    let unwritten = 0;
    for (let number = 1; (number + 1) * sizeBytes <= file.identity.sizeBytes && unwritten < MOST_UNWRITTEN; number++) {
      if (parts.has(number)) continue;
      const part = { number, offset: (number - 1) * sizeBytes, sizeBytes };
      if (await file.isUnwritten(part)) unwritten++;
      else due.push(part);
      // The file grows while they are sent, so the next look finds the others.
      if (due.length >= 2 * MOST_UNWRITTEN) break;
    }
    return due;
  }

  /** Sends parts, a few at once; those that are on their way arrive before this ends. */
  async #sendAll(open: OpenLive, parts: readonly Part[], file: GrowingFile): Promise<void> {
    const ends: Promise<void>[] = [];
    const waiting = AbortSignal.any([this.#stopping.signal, this.#session.signal]);
    let failure: { error: unknown } | undefined;
    for (const part of parts) {
      const place = await this.#places.take(part.sizeBytes, waiting).catch(() => undefined);
      if (!place) break;
      if (failure || waiting.aborted) {
        place.leave();
        break;
      }
      const end = this.#send(open, part, file, place.buffer).catch((error: unknown) => {
        failure ??= { error };
      });
      ends.push(end.finally(place.leave));
    }
    await Promise.all(ends);
    if (failure) throw failure.error;
  }

  /** The part is hashed and sent from memory: whatever the recorder writes meanwhile, the hash is that of the sent bytes. */
  async #send({ context, state }: OpenLive, part: Part, file: GrowingFile, buffer: Buffer) {
    const { bucket, journal, ref, key, recordingId, name, throttle, observer, clock, signal } = context;
    if (!(await file.read(part, buffer))) return;
    const sha256 = await hashBytes(buffer);
    const onBytes = () => {
      this.#movedAt = clock.monotonic();
    };
    const body = bufferBody(buffer, sha256, { throttle, onBytes });
    const { etag } = await bucket.uploadPart(key, state.upload.uploadId, part.number, body, signal);
    const stored = { number: part.number, etag, sha256: sha256.toString('base64') };
    await journal.addParts(ref, [stored]);
    state.parts.set(part.number, stored);
    this.#isPauseSaid = false;
    const { size } = state.parts;
    observer({ type: 'live-parts', recordingId, name, parts: size, bytes: size * part.sizeBytes });
  }

  async #gone(): Promise<boolean> {
    const now = this.#session.clock.monotonic();
    this.#goneSince ??= now;
    if (now - this.#goneSince >= GONE_MS) {
      this.#stopping.abort();
      await this.#giveUp('the video was removed or renamed');
    }
    return false;
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#isOver) return;
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
    const { observer, journal } = this.#session;
    const { id: recordingId, video } = this.recording;
    const open = this.#open;
    this.#open = undefined;
    if (open) {
      observer({ type: 'live-given-up', recordingId, name: video.name, reason });
      await giveUp(open.context).catch(async (error: unknown) => {
        if (!(error instanceof StorageFailure)) throw error;
        // `cleanup` finds its parts.
        await journal.dropUpload(open.context.ref);
      });
    }
    await this.#release();
  }
}
