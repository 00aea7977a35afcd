import { readSync } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { SLICE_BYTES, type Throttle } from './throttle.ts';

/** Bytes to send: their size and digest are known before, and each try reads them anew. */
export interface Body {
  readonly sizeBytes: number;
  /** SHA-256 of the bytes; signed with the request, so that the store refuses any others. */
  readonly sha256: Buffer;
  /** A fresh stream, to be piped into one request; `onMoved` is called whenever the connection has taken bytes. */
  open(signal: AbortSignal, onMoved: () => void): Readable;
}

export interface BodySettings {
  throttle: Throttle;
  /** Told of the bytes handed to the network, and with a negative number when a try has to begin anew. */
  onBytes?: ((bytes: number) => void) | undefined;
}

/** A body from memory. */
export function bufferBody(bytes: Buffer, sha256: Buffer, settings: BodySettings): Body {
  return makeBody(bytes.length, sha256, settings, (offset, size) => ({ bytes: bytes.subarray(offset, offset + size) }));
}

/**
 * A body from a range of an open file, read by position in small slices: any number of parts can be in flight on
 * constant memory. The range was just hashed, so these reads come from the system's cache, not from the disk, and do
 * not keep the event loop waiting; if the bytes have changed since, their signed digest makes the store refuse them.
 */
export function fileBody(
  fd: number,
  range: { offset: number; sizeBytes: number },
  sha256: Buffer,
  settings: BodySettings,
): Body {
  return makeBody(range.sizeBytes, sha256, settings, (offset, size) => {
    const buffer = idleBuffers.pop() ?? Buffer.allocUnsafeSlow(SLICE_BYTES);
    const count = readSync(fd, buffer, 0, size, range.offset + offset);
    if (count === 0) throw new Error('the file became shorter');
    return { bytes: buffer.subarray(0, count), buffer };
  });
}

/**
 * Buffers that no connection holds any more. A buffer for each slice would leave the garbage collector behind: a large
 * file then takes 50 MB more memory and twice the processor's time.
 */
const idleBuffers: Buffer[] = [];

interface Slice {
  bytes: Buffer;
  /** To be used again once the connection has taken the bytes. */
  buffer?: Buffer;
}

function makeBody(
  sizeBytes: number,
  sha256: Buffer,
  { throttle, onBytes }: BodySettings,
  readSlice: (offset: number, size: number) => Slice,
): Body {
  let counted = 0;
  return {
    sizeBytes,
    sha256,
    open(signal, onMoved) {
      if (counted > 0) onBytes?.(-counted);
      counted = 0;
      let offset = 0;
      return new BodyStream({
        remaining: () => Math.min(throttle.sliceBytes, sizeBytes - offset),
        wait: size => throttle.take(size, signal),
        next(size) {
          onMoved();
          const slice = readSlice(offset, size);
          offset += slice.bytes.length;
          counted += slice.bytes.length;
          onBytes?.(slice.bytes.length);
          return slice;
        },
      });
    },
  };
}

interface SliceSource {
  /** Size of the next slice; 0 at the end. */
  remaining(): number;
  wait(size: number): Promise<void> | undefined;
  next(size: number): Slice;
}

/**
 * What the S3 client takes for a readable stream and pipes into the request. It writes its slices itself, because a
 * plain stream does not say when the connection is done with a buffer.
 */
class BodyStream extends Readable {
  readonly #source: SliceSource;

  constructor(source: SliceSource) {
    super({ read: () => {} });
    this.#source = source;
  }

  override pipe<T extends Writable | NodeJS.WritableStream>(request: T): T {
    void this.#send(request as Writable).catch((error: Error) => this.destroy(error));
    return request;
  }

  async #send(request: Writable): Promise<void> {
    for (let size = this.#source.remaining(); size > 0; size = this.#source.remaining()) {
      await this.#source.wait(size);
      if (this.destroyed || request.destroyed) return;
      const { bytes, buffer } = this.#source.next(size);
      const taken = buffer && (() => idleBuffers.push(buffer));
      if (request.write(bytes, taken)) continue;
      await drained(request);
    }
    if (!this.destroyed) request.end();
  }
}

/** Resolves when the request takes more, or is over. */
function drained(request: Writable): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      request.removeListener('drain', done);
      request.removeListener('close', done);
      resolve();
    };
    request.on('drain', done);
    request.on('close', done);
  });
}
