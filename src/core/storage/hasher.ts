import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { programFiles } from '../program-files.ts';
import { hashInSteps, hashRange, type RangeDigest } from './hash-range.ts';
import type { HashAnswer, HashFailure, HashRequest } from './hash-worker.ts';

/** Hashes file ranges beside the main thread, so that hashing does not hold up the sockets. */
export interface Hasher {
  /**
   * The caller keeps the file open until this settles, which it always does: a range whose thread died is hashed by
   * another one, or on the main thread.
   * @throws Error of `node:fs` with `code` and `syscall`, or without them where the file ends before the range does
   */
  hash(fd: number, offset: number, sizeBytes: number, options?: { md5?: boolean }): Promise<RangeDigest>;
  /**
   * Starts threads for a file of that size, in parallel with whatever comes before its first range: a thread needs some
   * 50 ms to start, and blocks the caller for 5, so callers do this before they time anything.
   */
  prepare(sizeBytes: number): void;
  /** Ends the threads; ranges that are still being hashed reject. */
  close(): void;
}

/** Ranges up to this size are hashed on the main thread: starting another one costs more. */
const IN_PLACE_BYTES = 4 * 1024 * 1024;

const MOST_THREADS = 4;
/** One thread hashes a file of less than two of these before a second one would have started. */
const A_THREADS_WORTH_BYTES = 32 * 1024 * 1024;
/**
 * From this size on, a thread that has to share the sending thread's core is worth it: on two cores, 4 GiB take an eighth
 * less time with it, and 300 MB an eighth more.
 */
const A_SHARED_CORES_WORTH_BYTES = 2 * 1024 ** 3;

/** A hashing thread makes little garbage; without a limit its heap grows by 3 MiB all the same. */
const YOUNG_GENERATION_MB = 2;

/** A range and the promise that waits for it. */
interface Task {
  request: HashRequest;
  resolve(digest: RangeDigest): void;
  reject(error: Error): void;
}

interface Thread {
  worker: Worker;
  tasks: Map<number, Task>;
}

/**
 * Makes a pool of threads; they start with the first range that needs one.
 * @param settings.usesThreads false: all is hashed on the main thread
 * @param settings.workerUrl the module that a thread runs, in place of the program's own
 */
export function createHasher({
  cores = availableParallelism(),
  usesThreads = true,
  workerUrl,
}: {
  cores?: number;
  usesThreads?: boolean;
  workerUrl?: URL;
} = {}): Hasher {
  let maxThreads = 1;
  let canStart = usesThreads;
  let closed = false;
  let threads: Thread[] = [];
  let nextId = 1;

  const startThread = (): Thread | undefined => {
    if (!canStart) return undefined;
    // Loaded with the first thread: small uploads need none.
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    let worker: Worker;
    try {
      const code = workerUrl ?? programFiles().thread('hash-worker');
      worker = new Worker(code, {
        name: 'hash',
        eval: typeof code === 'string',
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      });
    } catch {
      canStart = false;
      return undefined;
    }
    worker.unref();
    const thread: Thread = { worker, tasks: new Map() };
    worker.on('message', (answer: HashAnswer) => {
      const task = thread.tasks.get(answer.id);
      thread.tasks.delete(answer.id);
      if (thread.tasks.size === 0) worker.unref();
      if (task) settle(task, answer);
    });
    // Node emits `exit` after it; without a listener it would end the process.
    worker.on('error', () => {});
    worker.on('exit', () => lose(thread));
    threads.push(thread);
    return thread;
  };

  /** Hands what a dead thread had to do to the others. */
  const lose = (thread: Thread) => {
    threads = threads.filter(one => one !== thread);
    // Too few file descriptors or too little memory would end the next thread as well.
    canStart = false;
    for (const task of thread.tasks.values()) dispatch(task);
  };

  const threadFor = (): Thread | undefined => {
    const idlest = threads.toSorted((a, b) => a.tasks.size - b.tasks.size)[0];
    if (idlest && (idlest.tasks.size === 0 || threads.length >= maxThreads)) return idlest;
    return startThread() ?? idlest;
  };

  const dispatch = (task: Task) => {
    const thread = threadFor();
    if (!thread) return void hashHere(task, () => closed).then(task.resolve, task.reject);
    thread.tasks.set(task.request.id, task);
    thread.worker.ref();
    thread.worker.postMessage(task.request);
  };

  return {
    async hash(fd, offset, sizeBytes, { md5 = false } = {}) {
      if (sizeBytes <= IN_PLACE_BYTES) return hashRange(fd, offset, sizeBytes, { md5 });
      const { promise, resolve, reject } = Promise.withResolvers<RangeDigest>();
      dispatch({ request: { id: nextId++, fd, offset, sizeBytes, md5 }, resolve, reject });
      return promise;
    },
    prepare(sizeBytes) {
      if (sizeBytes <= IN_PLACE_BYTES) return;
      const free = sizeBytes < A_SHARED_CORES_WORTH_BYTES ? cores - 1 : cores;
      const wanted = Math.min(MOST_THREADS, free, Math.ceil(sizeBytes / A_THREADS_WORTH_BYTES));
      maxThreads = Math.max(maxThreads, wanted);
      while (threads.length < maxThreads && startThread()) {}
    },
    close() {
      closed = true;
      for (const { worker, tasks } of threads.splice(0)) {
        void worker.terminate();
        for (const task of tasks.values()) task.reject(hasherClosed());
        tasks.clear();
      }
    },
  };
}

function settle({ resolve, reject }: Task, answer: HashAnswer): void {
  if ('error' in answer) reject(errorOf(answer.error));
  else resolve({ sha256: Buffer.from(answer.sha256), md5: answer.md5 && Buffer.from(answer.md5) });
}

function errorOf({ message, code, syscall }: HashFailure): Error {
  return Object.assign(new Error(message), { ...(code && { code }), ...(syscall && { syscall }) });
}

/** Hashes on the main thread, and lets the sockets have their turn between two steps. */
async function hashHere({ request }: Task, isClosed: () => boolean): Promise<RangeDigest> {
  const steps = hashInSteps(request.fd, request.offset, request.sizeBytes, request);
  for (;;) {
    if (isClosed()) throw hasherClosed();
    const step = steps.next();
    if (step.done) return step.value;
    await new Promise(resolve => setImmediate(resolve));
  }
}

function hasherClosed(): Error {
  return new Error('the hasher was closed');
}
