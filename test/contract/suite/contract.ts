import { createHash } from 'node:crypto';
import { bufferBody } from '../../../src/core/storage/body.ts';
import type { Bucket, ObjectSettings } from '../../../src/core/storage/bucket.ts';
import { StorageFailure } from '../../../src/core/storage/failure.ts';
import { unlimited } from '../../../src/core/storage/throttle.ts';
import { failure, type Run, type Store } from '../../core/storage/support.ts';
import type { Capabilities } from '../capabilities.ts';

/** A store that the suite runs against. */
export interface RunningStore extends Store {
  /** Kills it, and starts it again on the same data and the same port; resolves once it answers. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** What the parts of the suite share; store and bucket are there once the tests run. */
export interface Contract {
  readonly does: Capabilities;
  readonly store: RunningStore;
  readonly bucket: Bucket;
  /** A key that no other test uses. */
  freshKey(file?: string): string;
}

export const { signal } = new AbortController();
export const SETTINGS: ObjectSettings = { contentType: 'text/plain; charset=utf-8', metadata: {} };

/** @param claimed what the signed digest is made of */
export const body = (bytes: Buffer, claimed = bytes) =>
  bufferBody(bytes, createHash('sha256').update(claimed).digest(), { throttle: unlimited });

export const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');

export async function contentOf(bucket: Bucket, key: string): Promise<Buffer> {
  const object = await bucket.get(key, signal);
  if (!object) throw new Error(`${key} is not in the bucket`);
  return Buffer.concat(await Array.fromAsync(object.stream));
}

/** What became of a call that should fail. */
export async function refusal(
  promise: Promise<unknown>,
): Promise<{ kind: string; status: number | undefined; reason: string }> {
  const error = await failure(promise);
  if (!(error instanceof StorageFailure)) throw error;
  return { kind: error.kind, status: error.status, reason: error.reason };
}

/** How a store refuses a body that is not that of the signed digest. */
export const WRONG_DIGEST = { kind: 'transient', status: 400, reason: 'XAmzContentSHA256Mismatch' };

/** Runs tasks, some at a time. */
export async function inParallel(count: number, task: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** The run as if an hour had passed in the store: no other machine can still be feeding an upload. */
export function anHourLater(run: Run): Run {
  const { listParts } = run.session.bucket;
  run.session.bucket = {
    ...run.session.bucket,
    async listParts(...call) {
      const listed = await listParts(...call);
      return { ...listed, serverTime: new Date(listed.serverTime.getTime() + 3_600_000) };
    },
  };
  return run;
}
