import { readSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { SLICE_BYTES, type Throttle } from './throttle.ts';

/** Bytes to send. Their size and digest are known before the first try; every try sends all of them. */
export interface Body {
  readonly sizeBytes: number;
  /** SHA-256 of the bytes. It is signed with the request, so the store refuses any other bytes. */
  readonly sha256: Buffer;
  /** Reads all of the bytes into memory. @throws Error where the file has become shorter */
  read(): Uint8Array;
  /**
   * Writes the bytes to a request at the throttle's pace, and ends the request. Returns early, without an error, once
   * the request has been destroyed.
   * @param onMoved called whenever the connection has accepted bytes
   * @param bytes what `read` returned; without it, each slice is read just before it is sent, on constant memory
   * @throws Error where the file has become shorter; the signal's reason once it aborts
   */
  send(request: Writable, signal: AbortSignal, onMoved: () => void, bytes?: Uint8Array): Promise<void>;
}

export interface BodySettings {
  throttle: Throttle;
  /** Told of the bytes handed to the network, and with a negative number when a try has to begin anew. */
  onBytes?: ((bytes: number) => void) | undefined;
}

/** A body from memory. */
export function bufferBody(bytes: Buffer, sha256: Buffer, settings: BodySettings): Body {
  return makeBody(bytes.length, sha256, settings, { whole: () => bytes, slice: slicesOf(bytes) });
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
  const readInto = (buffer: Uint8Array, start: number, size: number, offset: number): number => {
    const count = readSync(fd, buffer, start, size, range.offset + offset);
    if (count === 0) throw new Error('the file became shorter');
    return count;
  };
  return makeBody(range.sizeBytes, sha256, settings, {
    whole() {
      const bytes = Buffer.allocUnsafeSlow(range.sizeBytes);
      for (let at = 0; at < bytes.length; ) at += readInto(bytes, at, bytes.length - at, at);
      return bytes;
    },
    slice(offset, size) {
      const buffer = idleBuffers.pop() ?? Buffer.allocUnsafeSlow(SLICE_BYTES);
      return { bytes: buffer.subarray(0, readInto(buffer, 0, size, offset)), buffer };
    },
  });
}

/**
 * Buffers that no connection holds any more. A buffer for each slice would leave the garbage collector behind: a large
 * file then takes 50 MB more memory and twice the processor's time.
 */
const idleBuffers: Buffer[] = [];

interface Slice {
  bytes: Uint8Array;
  /** Can be used again once the connection has accepted the bytes. */
  buffer?: Buffer;
}

type ReadSlice = (offset: number, size: number) => Slice;

const slicesOf =
  (bytes: Uint8Array): ReadSlice =>
  (offset, size) => ({ bytes: bytes.subarray(offset, offset + size) });

function makeBody(
  sizeBytes: number,
  sha256: Buffer,
  { throttle, onBytes }: BodySettings,
  source: { whole: () => Uint8Array; slice: ReadSlice },
): Body {
  let counted = 0;
  return {
    sizeBytes,
    sha256,
    read: source.whole,
    async send(request, signal, onMoved, held) {
      const readSlice = held ? slicesOf(held) : source.slice;
      if (counted > 0) onBytes?.(-counted);
      counted = 0;
      while (counted < sizeBytes) {
        const size = Math.min(throttle.sliceBytes, sizeBytes - counted);
        await throttle.take(size, signal);
        if (request.destroyed) return;
        onMoved();
        const { bytes, buffer } = readSlice(counted, size);
        counted += bytes.length;
        onBytes?.(bytes.length);
        // The connection says when it is done with a buffer.
        const taken = buffer && (() => idleBuffers.push(buffer));
        const takesMore = request.write(bytes, taken);
        // Not after the last: the answer may be there first, and a request that has not ended costs its connection.
        if (!takesMore && counted < sizeBytes) await drained(request);
      }
      if (!request.destroyed) request.end();
    },
  };
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
