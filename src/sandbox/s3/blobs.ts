import { randomBytes } from 'node:crypto';

/** Bytes kept under an id, as one request brought them: an object is one segment, or one for each of its parts. */
export interface Segment {
  id: string;
  sizeBytes: number;
}

/** Takes one segment's bytes. What is not finished was never there. */
export interface BlobWriter {
  /** A promise where the writer has to catch up first. */
  write(bytes: Buffer): void | Promise<void>;
  finish(): Promise<Segment>;
  discard(): Promise<void>;
}

/** Where segments' bytes are. */
export interface Blobs {
  create(): BlobWriter;
  /** The bytes from `start` up to `end`, without `end`. */
  read(segment: Segment, start: number, end: number): AsyncIterable<Buffer>;
  remove(segments: Segment[]): Promise<void>;
  /** Removes what a crash left over: every segment but these. */
  sweep(keep: Segment[]): Promise<void>;
}

/** A fresh segment id. */
export function newSegmentId(): string {
  return randomBytes(12).toString('hex');
}

/** Segments in memory. */
export function memoryBlobs(): Blobs {
  const kept = new Map<string, Buffer[]>();
  return {
    create() {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      return {
        write(bytes) {
          // A small piece of a big read buffer would keep all of that buffer alive.
          chunks.push(bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes);
          sizeBytes += bytes.length;
        },
        async finish() {
          const segment = { id: newSegmentId(), sizeBytes };
          kept.set(segment.id, chunks);
          return segment;
        },
        async discard() {
          chunks.length = 0;
        },
      };
    },
    async *read({ id }, start, end) {
      let at = 0;
      for (const chunk of kept.get(id) ?? []) {
        const piece = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
        if (piece.length > 0) yield piece;
        at += chunk.length;
        if (at >= end) return;
      }
    },
    async remove(segments) {
      for (const { id } of segments) kept.delete(id);
    },
    async sweep() {},
  };
}

const ZEROS = Buffer.alloc(1024 * 1024);

/** Segments that are counted and not kept; they read as zeros. */
export function discardedBlobs(): Blobs {
  return {
    create() {
      let sizeBytes = 0;
      return {
        write(bytes) {
          sizeBytes += bytes.length;
        },
        finish: async () => ({ id: newSegmentId(), sizeBytes }),
        discard: async () => {},
      };
    },
    async *read(_segment, start, end) {
      for (let at = start; at < end; at += ZEROS.length) yield ZEROS.subarray(0, Math.min(ZEROS.length, end - at));
    },
    remove: async () => {},
    sweep: async () => {},
  };
}
