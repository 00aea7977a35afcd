import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { SLICE_BYTES, type Throttle } from './throttle.ts';

/** Bytes to send. Their size and digest are known before the first try; every try sends all of them. */
export interface Body {
  readonly sizeBytes: number;
  /** SHA-256 of the bytes. It is signed with the request, so the store refuses any other bytes. */
  readonly sha256: Buffer;
  /** Bytes that the last try has handed to the network. */
  readonly sentBytes: number;
  /** Reads all of the bytes into memory. @throws Error where the file has become shorter */
  read(): Uint8Array;
  /** The MD5 of the bytes; only few buckets want it. @throws Error where the file has become shorter */
  md5(): Promise<Buffer>;
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
  return makeBody(bytes.length, sha256, settings, {
    sliceBytes: SLICE_BYTES,
    whole: () => bytes,
    slice: slicesOf(bytes),
  });
}

/**
 * Up to so many bodies at once are sent in large slices: for a large file that takes a twelfth less of the processor's
 * time. A far store has dozens in flight, each with a slice or two in its connection's hands: theirs are smaller.
 */
const FEW_IN_FLIGHT = 8;
const MANY_IN_FLIGHT = 32;

function sliceBytesFor(inFlight: number): number {
  if (inFlight <= FEW_IN_FLIGHT) return SLICE_BYTES;
  return inFlight <= MANY_IN_FLIGHT ? SLICE_BYTES / 2 : SLICE_BYTES / 4;
}

/**
 * A body from a range of an open file, read by position in small slices: any number of parts can be in flight on
 * constant memory. The range was just hashed, so these reads come from the system's cache, not from the disk, and do
 * not keep the event loop waiting; if the bytes have changed since, their signed digest makes the store refuse them.
 * @param settings.inFlight how many bodies are sent at once
 */
export function fileBody(
  fd: number,
  range: { offset: number; sizeBytes: number },
  sha256: Buffer,
  settings: BodySettings & { inFlight: number },
): Body {
  const sliceBytes = sliceBytesFor(settings.inFlight);
  const readInto = (buffer: Uint8Array, start: number, size: number, offset: number): number => {
    const count = readSync(fd, buffer, start, size, range.offset + offset);
    if (count === 0) throw new Error('the file became shorter');
    return count;
  };
  return makeBody(range.sizeBytes, sha256, settings, {
    sliceBytes,
    whole() {
      const bytes = Buffer.allocUnsafeSlow(range.sizeBytes);
      for (let at = 0; at < bytes.length; ) at += readInto(bytes, at, bytes.length - at, at);
      return bytes;
    },
    slice(offset, size) {
      const { bytes, putBack } = takeBuffer(sliceBytes);
      const count = readInto(bytes, 0, size, offset);
      return { bytes: count === bytes.length ? bytes : bytes.subarray(0, count), putBack };
    },
  });
}

/** A buffer for slices of files, and what puts it back once the connection has accepted its bytes. */
interface SliceBuffer {
  bytes: Buffer;
  putBack: () => void;
}

/**
 * Buffers that no connection holds any more, all of one size. A buffer for each slice would leave the garbage collector
 * behind: a large file then takes 50 MB more memory and twice the processor's time.
 */
const idle = { sizeBytes: SLICE_BYTES, buffers: [] as SliceBuffer[] };

function takeBuffer(sizeBytes: number): SliceBuffer {
  if (idle.sizeBytes !== sizeBytes) Object.assign(idle, { sizeBytes, buffers: [] });
  const known = idle.buffers.pop();
  if (known) return known;
  const made: SliceBuffer = {
    bytes: Buffer.allocUnsafeSlow(sizeBytes),
    putBack() {
      if (idle.sizeBytes === sizeBytes) idle.buffers.push(made);
    },
  };
  return made;
}

interface Slice {
  bytes: Uint8Array;
  /** Called once the connection has accepted the bytes. */
  putBack?: () => void;
}

type ReadSlice = (offset: number, size: number) => Slice;

const slicesOf =
  (bytes: Uint8Array): ReadSlice =>
  (offset, size) => ({ bytes: bytes.subarray(offset, offset + size) });

function makeBody(
  sizeBytes: number,
  sha256: Buffer,
  { throttle, onBytes }: BodySettings,
  source: { sliceBytes: number; whole: () => Uint8Array; slice: ReadSlice },
): Body {
  let counted = 0;
  return {
    sizeBytes,
    sha256,
    get sentBytes() {
      return counted;
    },
    read: source.whole,
    async md5() {
      const hash = createHash('md5');
      for (let at = 0; at < sizeBytes; ) {
        const { bytes, putBack } = source.slice(at, Math.min(source.sliceBytes, sizeBytes - at));
        hash.update(bytes);
        at += bytes.length;
        putBack?.();
        // Hashing a whole part at once would hold up every other request.
        await setImmediate();
      }
      return hash.digest();
    },
    // A large file is 4,000 slices a GiB: what is made for each of them is garbage soon.
    async send(request, signal, onMoved, held) {
      const readSlice = held ? slicesOf(held) : source.slice;
      if (counted > 0) onBytes?.(-counted);
      counted = 0;
      const room = watchRoom(request);
      while (counted < sizeBytes) {
        const size = Math.min(throttle.sliceBytes, source.sliceBytes, sizeBytes - counted);
        const paid = throttle.take(size, signal);
        if (paid) await paid;
        if (request.destroyed) break;
        onMoved();
        const { bytes, putBack } = readSlice(counted, size);
        counted += bytes.length;
        onBytes?.(bytes.length);
        const takesMore = request.write(bytes, putBack);
        // Not after the last: the answer may be there first, and a request that has not ended costs its connection.
        if (!takesMore && counted < sizeBytes) await room.next();
      }
      room.stop();
      if (!request.destroyed) request.end();
    },
  };
}

/** `next` resolves when the request takes more, or is over. */
function watchRoom(request: Writable): { next(): Promise<void>; stop(): void } {
  let wake = () => {};
  const wait = (resolve: () => void) => {
    wake = resolve;
  };
  const onRoom = () => wake();
  request.on('drain', onRoom);
  request.on('close', onRoom);
  return {
    next: () => new Promise(wait),
    stop() {
      request.removeListener('drain', onRoom);
      request.removeListener('close', onRoom);
    },
  };
}
