import { readSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { SLICE_BYTES, type Throttle } from './throttle.ts';

/** Bytes to send: their size and digest are known before, and each try reads and sends them anew. */
export interface Body {
  readonly sizeBytes: number;
  /** SHA-256 of the bytes; signed with the request, so that the store refuses any others. */
  readonly sha256: Buffer;
  /**
   * Writes all of them to a request, and ends it; `onMoved` is called whenever the connection has taken bytes. Stops
   * quietly where the request is over before.
   */
  send(request: Writable, signal: AbortSignal, onMoved: () => void): Promise<void>;
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
    async send(request, signal, onMoved) {
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
