import { read } from 'node:fs';
import { Readable } from 'node:stream';
import type { Throttle } from './throttle.ts';

/** Bytes to send: their size and digest are known before, and each try reads them anew. */
export interface Body {
  readonly sizeBytes: number;
  /** SHA-256 of the bytes; signed with the request, so that the store refuses any others. */
  readonly sha256: Buffer;
  /** A fresh stream; `onMoved` is called whenever the connection has taken bytes. */
  open(signal: AbortSignal, onMoved: () => void): Readable;
}

export interface BodySettings {
  throttle: Throttle;
  /** Told of the bytes handed to the network, and with a negative number when a try has to begin anew. */
  onBytes?: ((bytes: number) => void) | undefined;
}

/** A body from memory. */
export function bufferBody(bytes: Buffer, sha256: Buffer, settings: BodySettings): Body {
  return makeBody(bytes.length, sha256, settings, (offset, size, done) =>
    done(null, bytes.subarray(offset, offset + size)),
  );
}

/**
 * A body from a range of an open file, read by position in small slices: any number of parts can be in flight on
 * constant memory. The range was just hashed, so these reads come from the system's cache, not from the disk; if the
 * bytes have changed since, their signed digest makes the store refuse them.
 */
export function fileBody(
  fd: number,
  range: { offset: number; sizeBytes: number },
  sha256: Buffer,
  settings: BodySettings,
): Body {
  return makeBody(range.sizeBytes, sha256, settings, (offset, size, done) => {
    read(fd, Buffer.allocUnsafeSlow(size), 0, size, range.offset + offset, (error, count, slice) => {
      if (error) done(error);
      else if (count === 0) done(new Error('the file became shorter'));
      else done(null, count === size ? slice : slice.subarray(0, count));
    });
  });
}

type ReadSlice = (offset: number, size: number, done: (error: Error | null, slice?: Buffer) => void) => void;

function makeBody(sizeBytes: number, sha256: Buffer, { throttle, onBytes }: BodySettings, readSlice: ReadSlice): Body {
  let counted = 0;
  return {
    sizeBytes,
    sha256,
    open(signal, onMoved) {
      if (counted > 0) onBytes?.(-counted);
      counted = 0;
      let offset = 0;
      return new Readable({
        // One slice ahead of the socket, no more.
        highWaterMark: 1,
        read() {
          onMoved();
          const size = Math.min(throttle.sliceBytes, sizeBytes - offset);
          if (size === 0) {
            this.push(null);
            return;
          }
          const push = () =>
            readSlice(offset, size, (error, slice) => {
              if (error || !slice) {
                this.destroy(error ?? new Error('nothing was read'));
                return;
              }
              offset += slice.length;
              counted += slice.length;
              onBytes?.(slice.length);
              this.push(slice);
            });
          const wait = throttle.take(size, signal);
          if (wait) wait.then(push, error => this.destroy(error));
          else push();
        },
      });
    },
  };
}
