import { parentPort } from 'node:worker_threads';
import { hashRange } from './hash-range.ts';

/** What `hasher.ts` sends to a worker thread: a range of a file that the main thread holds open. */
export interface HashRequest {
  id: number;
  fd: number;
  offset: number;
  sizeBytes: number;
  md5: boolean;
}

/** An error of `node:fs` on its way between threads: a structured clone of an Error keeps its message only. */
export interface HashFailure {
  message: string;
  code: string | undefined;
  syscall: string | undefined;
}

export type HashAnswer = { id: number } & (
  | { sha256: Uint8Array; md5: Uint8Array | undefined }
  | { error: HashFailure }
);

parentPort?.on('message', ({ id, fd, offset, sizeBytes, md5 }: HashRequest) => {
  let answer: HashAnswer;
  try {
    answer = { id, ...hashRange(fd, offset, sizeBytes, { md5 }) };
  } catch (error) {
    const { message, code, syscall } = error as NodeJS.ErrnoException;
    answer = { id, error: { message, code, syscall } };
  }
  parentPort?.postMessage(answer);
});
