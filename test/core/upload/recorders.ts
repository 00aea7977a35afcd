import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, statSync, writeSync } from 'node:fs';

const MIB = 1024 * 1024;

/** A recorder that writes one file, as the muxer of a container does. Every byte that it writes is another one. */
export interface Recorder {
  /** Writes so much more of the recording. */
  record(bytes: number): void;
  /** Writes what the container has at its end, and closes the file. */
  finish(): void;
}

/** How muxers write, each by its name. */
export const RECORDERS = {
  /** ffmpeg's Matroska: clusters one after the other; at the end cues, and the head has the duration and their place. */
  matroska: file => ({
    record: bytes => file.append(bytes),
    finish() {
      file.append(200_000);
      file.overwrite(0, 4_096);
    },
  }),
  /** WebM to a pipe or a browser's recorder: nothing is written twice. */
  webm: file => ({ record: bytes => file.append(bytes), finish: () => file.append(10) }),
  /** Fragments, each with its own index, one after the other; at the end an index of them. */
  'fragmented MP4': file => ({ record: bytes => file.append(bytes), finish: () => file.append(50_000) }),
  /** MP4: the media, its size in the head filled in at the end, then `moov`. */
  'MP4 with moov at its end': file => ({
    record: bytes => file.append(bytes),
    finish() {
      file.overwrite(32, 16);
      file.append(MIB + 7);
    },
  }),
  /** OBS's hybrid MP4 in room that the file system has reserved: the size is far ahead of the data, and cut at the end. */
  'MP4 in reserved room': file => {
    file.reserve(96 * MIB);
    return {
      record: bytes => file.append(bytes),
      finish() {
        file.overwrite(32, 16);
        file.append(100_000);
        file.cut();
      },
    };
  },
} satisfies Record<string, (file: RecordedFile) => Recorder>;

/** MP4 with `-movflags +faststart`: at the end everything moves back, so that `moov` fits in before it. */
export function fastStart(file: RecordedFile): Recorder {
  return {
    record: bytes => file.append(bytes),
    finish() {
      file.shift(MIB + 11);
      file.overwrite(0, MIB + 11);
    },
  };
}

/** The file that a recorder writes. */
export class RecordedFile {
  readonly #fd: number;
  #end = 0;
  #written = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'w+');
  }

  append(bytes: number): void {
    this.overwrite(this.#end, bytes);
    this.#end += bytes;
  }

  overwrite(offset: number, bytes: number): void {
    const block = Buffer.alloc(bytes);
    for (let at = 0; at + 4 <= bytes; at += 512) block.writeUInt32LE(++this.#written, at);
    // No stretch of zeros: compressed media has none.
    for (let at = 4; at < bytes; at += 512) block[at] = 0xa5;
    writeSync(this.#fd, block, 0, bytes, offset);
  }

  reserve(bytes: number): void {
    ftruncateSync(this.#fd, bytes);
  }

  cut(): void {
    ftruncateSync(this.#fd, this.#end);
  }

  /** Begins again with an empty file. */
  truncate(): void {
    this.#end = 0;
    ftruncateSync(this.#fd, 0);
  }

  /** Moves all bytes towards the end. */
  shift(by: number): void {
    const all = Buffer.alloc(this.#end);
    readSync(this.#fd, all, 0, all.length, 0);
    writeSync(this.#fd, all, 0, all.length, by);
    this.#end += by;
  }

  get sizeBytes(): number {
    return statSync(`/proc/self/fd/${this.#fd}`).size;
  }

  close(): void {
    fsyncSync(this.#fd);
    closeSync(this.#fd);
  }
}
