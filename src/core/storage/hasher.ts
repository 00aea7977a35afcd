import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { hashRange, type RangeDigest } from './hash-range.ts';
import type { HashAnswer, HashRequest } from './hash-worker.ts';

/** Hashes file ranges beside the main thread, so that hashing does not hold up the sockets. */
export interface Hasher {
  /** Rejects where the file ends before the range does. The file stays open until this settles. */
  hash(fd: number, offset: number, sizeBytes: number, options?: { md5?: boolean }): Promise<RangeDigest>;
  /**
   * Starts threads for a file of that size, beside whatever comes before its first range: that takes them some 50 ms,
   * and the caller 5 for each, so it does this before it times anything.
   */
  prepare(sizeBytes: number): void;
  close(): void;
}

/** Ranges up to this size are hashed in place: starting a thread costs more. */
const IN_PLACE_BYTES = 4 * 1024 * 1024;

const MOST_THREADS = 4;
/** A file of less than two of these is hashed by one thread before a second one would have started. */
const A_THREADS_WORTH_BYTES = 32 * 1024 * 1024;
/**
 * From this size on, a thread that has to share the sending thread's core is worth it: on two cores, 4 GiB take an eighth
 * less time with it, and 300 MB an eighth more.
 */
const A_SHARED_CORES_WORTH_BYTES = 2 * 1024 ** 3;

/** Threads start with the first range that needs one. */
export function createHasher(cores = availableParallelism()): Hasher {
  let maxThreads = 1;
  const threads: { worker: Worker; waiting: Map<number, (answer: HashAnswer) => void> }[] = [];
  let nextId = 1;

  const startThread = () => {
    const file = import.meta.url.endsWith('.ts') ? './hash-worker.ts' : './hash-worker.js';
    // Loaded with the first thread: small uploads need none.
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    const worker = new Worker(new URL(file, import.meta.url), { name: 'hash' });
    worker.unref();
    const thread = { worker, waiting: new Map<number, (answer: HashAnswer) => void>() };
    worker.on('message', (answer: HashAnswer) => {
      thread.waiting.get(answer.id)?.(answer);
      thread.waiting.delete(answer.id);
      if (thread.waiting.size === 0) worker.unref();
    });
    worker.on('error', error => {
      for (const [id, settle] of thread.waiting) settle({ id, error: error.message });
      thread.waiting.clear();
    });
    threads.push(thread);
    return thread;
  };
  const idlest = () => {
    const thread = threads.toSorted((a, b) => a.waiting.size - b.waiting.size)[0];
    return thread && (thread.waiting.size === 0 || threads.length >= maxThreads) ? thread : startThread();
  };

  return {
    async hash(fd, offset, sizeBytes, { md5 = false } = {}) {
      if (sizeBytes <= IN_PLACE_BYTES) return hashRange(fd, offset, sizeBytes, { md5 });
      const { worker, waiting } = idlest();
      const request: HashRequest = { id: nextId++, fd, offset, sizeBytes, md5 };
      return new Promise<RangeDigest>((resolve, reject) => {
        waiting.set(request.id, answer => {
          if ('error' in answer) reject(new Error(answer.error));
          else resolve({ sha256: Buffer.from(answer.sha256), md5: answer.md5 && Buffer.from(answer.md5) });
        });
        worker.ref();
        worker.postMessage(request);
      });
    },
    prepare(sizeBytes) {
      if (sizeBytes <= IN_PLACE_BYTES) return;
      const free = sizeBytes < A_SHARED_CORES_WORTH_BYTES ? cores - 1 : cores;
      const wanted = Math.min(MOST_THREADS, free, Math.ceil(sizeBytes / A_THREADS_WORTH_BYTES));
      maxThreads = Math.max(maxThreads, wanted);
      while (threads.length < maxThreads) startThread();
    },
    close() {
      for (const { worker } of threads.splice(0)) void worker.terminate();
    },
  };
}
