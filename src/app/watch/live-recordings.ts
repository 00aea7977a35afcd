import { AppError } from '../../core/errors.ts';
import { type FileIdentity, sameFile } from '../../core/recording/file-identity.ts';
import { readInProgress } from '../../core/recording/read-in-progress.ts';
import { targetOf } from '../../core/storage/target.ts';
import { createThrottle, unlimited } from '../../core/storage/throttle.ts';
import { type LiveUpload, liveUploads } from '../../core/upload/live-upload.ts';
import type { Runtime } from '../runtime.ts';
import { type FolderLook, videoOf } from './folder-look.ts';
import type { Generations } from './generations.ts';
import type { LiveRecordings } from './live.ts';
import { isDeleted, type Place, placeOf } from './place.ts';

/** How often a video that grows is looked at. What is found late is sent late, at its end too. */
const EVERY_MS = 250;
/** What could not be read or claimed is tried again after this long. */
const PAUSE_MS = 5_000;

type LiveUploads = ReturnType<typeof liveUploads>;

/**
 * Uploads recordings while they are recorded. Only what has been seen to grow: a finished recording is uploaded as a whole.
 * @param onFailure gets bugs, and what is wrong with the state
 */
export function createLiveRecordings(generations: Generations, onFailure: (error: unknown) => void): LiveRecordings {
  const uploads = new WeakMap<Runtime, Promise<LiveUploads>>();
  const uploadsOf = (runtime: Runtime) => {
    const made = uploads.get(runtime) ?? makeUploads(runtime);
    uploads.set(runtime, made);
    // Without access keys there is none; the upload says so.
    made.catch(() => uploads.delete(runtime));
    return made;
  };
  const growing = new Map<string, Growing>();
  const end = async (dir: string, how: (known: Growing) => Promise<void>) => {
    const known = growing.get(dir);
    if (!known) return;
    await how(known);
    if (growing.get(dir) === known) growing.delete(dir);
  };
  return {
    grown(look) {
      const known = growing.get(look.dir);
      if (known) return known.saw(look);
      const video = videoOf(look);
      if (!video) return;
      growing.set(look.dir, new Growing(look, video, { generations, uploadsOf, onFailure }));
    },
    stop: dir => end(dir, known => known.stop()),
    gone: dir => end(dir, known => known.gone()),
    async close() {
      await Promise.all([...growing.keys()].map(dir => end(dir, known => known.stop())));
    },
  };
}

async function makeUploads(runtime: Runtime): Promise<LiveUploads> {
  const { clock, config } = runtime;
  const { liveBandwidth } = config.watch;
  const isLimited = liveBandwidth !== undefined && liveBandwidth !== 'none';
  const throttle = isLimited ? createThrottle(liveBandwidth, clock) : unlimited;
  return liveUploads(await runtime.uploads(), { throttle });
}

interface GrowingDeps {
  generations: Generations;
  uploadsOf(runtime: Runtime): Promise<LiveUploads>;
  onFailure(error: unknown): void;
}

/** A folder whose recording may grow. */
class Growing {
  readonly #deps: GrowingDeps;
  /** The video as it was found first: it has to change before anything is sent. */
  readonly #first: FileIdentity;
  #look: FolderLook;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #live: LiveUpload | undefined;
  /** Where the folder was when it was seen first. */
  readonly #place: Promise<Place | undefined>;
  /** Nobody will finish it. */
  #isGone = false;

  constructor(look: FolderLook, video: FileIdentity, deps: GrowingDeps) {
    this.#deps = deps;
    this.#place = placeOf(look.dir);
    this.#look = look;
    this.#first = video;
  }

  saw(look: FolderLook): void {
    this.#look = look;
    const video = videoOf(look);
    if (this.#running || this.#stopped.signal.aborted || !video || sameFile(video, this.#first)) return;
    const { generations, onFailure } = this.#deps;
    if (generations.runtime.config.watch.liveBandwidth === 'none') return;
    this.#running = generations
      .use(runtime => this.#upload(runtime))
      .catch(error => {
        if (!generations.runtime.signal.aborted) onFailure(error);
      })
      .finally(() => {
        // The next look begins again, with the configuration as it is then.
        this.#running = undefined;
      });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#live?.stop();
    await this.#running;
  }

  /** Ends what was sent, unless the folder is on a drive that may come back. */
  async gone(): Promise<void> {
    this.#isGone = await this.#isDeleted();
    this.#stopped.abort();
    await this.#running;
  }

  async #isDeleted(): Promise<boolean> {
    const place = await this.#place;
    return place !== undefined && ((await placeOf(place.dir)) !== undefined || (await isDeleted(place)));
  }

  /** Sends what grows, until it is stopped or the configuration is another one. */
  async #upload(runtime: Runtime): Promise<void> {
    const { clock, signal } = runtime;
    const stop = AbortSignal.any([this.#stopped.signal, signal]);
    const rest = (ms: number) => clock.sleep(ms, stop).catch(() => {});
    /** What the ID follows from, as it was read. */
    let read: string | undefined;
    try {
      while (!stop.aborted && this.#deps.generations.runtime === runtime) {
        const now = idSourceOf(this.#look);
        const hasVideo = videoOf(this.#look) !== undefined;
        if (!hasVideo && this.#live?.hasEnded) {
          // Its video is gone for good; another one may come.
          this.#live = undefined;
          read = undefined;
        } else if (hasVideo && now !== read) {
          const isOpen = await this.#open(runtime);
          if (isOpen) read = now;
          else await rest(PAUSE_MS);
          continue;
        }
        await this.#live?.grown();
        await rest(EVERY_MS);
      }
    } finally {
      if (this.#isGone) await this.#live?.giveUp('its folder was removed or renamed');
      else await this.#live?.stop();
      this.#live = undefined;
    }
  }

  /** @returns false: the folder cannot be read now */
  async #open(runtime: Runtime): Promise<boolean> {
    const { config } = runtime;
    const { dir } = this.#look;
    try {
      const uploads = await this.#deps.uploadsOf(runtime);
      const { folders } = await runtime.state();
      const { queued } = await folders.get(targetOf(config), dir);
      await runtime.firstLook(dir);
      const recording = readInProgress(dir, queued?.asked ?? {}, config);
      const before = this.#live?.recording;
      if (before?.id === recording.id && before.video.name === recording.video.name) return true;
      const isSameId = before?.id === recording.id;
      const reason = isSameId
        ? `its video is ${recording.video.name} now`
        : `the recording has the id ${recording.id} now`;
      await this.#live?.giveUp(reason);
      this.#live = this.#stopped.signal.aborted ? undefined : uploads.open(recording, () => this.#isDeleted());
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code !== 'STATE') return false;
      throw error;
    }
  }
}

/** What the recording's ID and its video's name follow from. */
function idSourceOf(look: FolderLook): string {
  const sidecar = look.files.find(({ role }) => role === 'sidecar');
  return JSON.stringify([sidecar?.name, sidecar?.sizeBytes, sidecar?.mtimeNs, sidecar?.inode, videoOf(look)?.name]);
}
