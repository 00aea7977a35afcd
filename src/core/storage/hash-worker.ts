import { parentPort } from 'node:worker_threads';
import { hashRange } from './hash-range.ts';

/** A worker thread of `hasher.ts`: hashes ranges of files that the main thread has open. */
export interface HashRequest {
  id: number;
  fd: number;
  offset: number;
  sizeBytes: number;
  md5: boolean;
}
export type HashAnswer = { id: number } & ({ sha256: Uint8Array; md5: Uint8Array | undefined } | { error: string });

parentPort?.on('message', ({ id, fd, offset, sizeBytes, md5 }: HashRequest) => {
  let answer: HashAnswer;
  try {
    answer = { id, ...hashRange(fd, offset, sizeBytes, { md5 }) };
  } catch (error) {
    answer = { id, error: (error as Error).message };
  }
  parentPort?.postMessage(answer);
});
