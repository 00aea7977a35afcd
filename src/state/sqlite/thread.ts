import { Worker } from 'node:worker_threads';
import type { Row } from './sql.ts';

/** The bundle has no file for the thread to load, so its few lines travel as text. */
const SCRIPT = `
  const { workerData: { file, readOnly, timeoutMs, statement }, parentPort } = require('node:worker_threads');
  const { DatabaseSync } = require('node:sqlite');
  try {
    const database = new DatabaseSync(file, { readOnly, timeout: timeoutMs });
    try {
      parentPort.postMessage({ row: database.prepare(statement).get() });
    } finally {
      database.close();
    }
  } catch ({ message, code, errcode }) {
    parentPort.postMessage({ failure: { message, code, errcode } });
  }`;

interface Outcome {
  row?: Row | undefined;
  failure?: { message: string; code?: string | undefined; errcode?: number | undefined };
}

/**
 * Runs one statement on a connection and in a thread of its own: for those that read or rewrite the whole file, which
 * takes seconds if it is large.
 * @param options.timeoutMs how long it waits for another process's lock; only this thread blocks meanwhile
 * @returns its first row
 * @throws SQLite's error; the signal's reason once it aborts, and the thread ends
 */
export async function runInThread(
  file: string,
  statement: string,
  options: { readOnly: boolean; timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<Row | undefined> {
  const { readOnly, timeoutMs, signal } = options;
  signal?.throwIfAborted();
  const workerData = { file, readOnly, timeoutMs, statement };
  const worker = new Worker(SCRIPT, { eval: true, workerData, stdout: true, stderr: true });
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const abort = () => reject(signal?.reason);
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', code => reject(new Error(`the thread ended with ${code} and without a result`)));
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const { row, failure } = await promise;
    if (failure) throw Object.assign(new Error(failure.message), { code: failure.code, errcode: failure.errcode });
    return row;
  } finally {
    signal?.removeEventListener('abort', abort);
    // The next step may rename the file, so the thread must have closed it. One that was given up may never end: it may
    // wait for a dead network drive.
    const ended = worker.terminate();
    if (!signal?.aborted) await ended;
  }
}
