import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bucket } from '../../../src/core/storage/bucket.ts';
import { MIB, tempFolder, writeSource } from '../../core/storage/support.ts';
import { makeOld } from '../../support/make-old.ts';
import { type RunningStore, signal } from './contract.ts';

/** The program's end: its exit status, and all that it wrote. */
export interface Ended {
  code: number | null;
  output: string;
  errors: string;
}

const VIDEO_BYTES = 33 * MIB;
const THUMBNAIL_BYTES = 30_000;
export const RECORDING_BYTES = VIDEO_BYTES + THUMBNAIL_BYTES;
export const RECORDING_FILES = ['video.mkv', 'thumbnail.jpg', 'transcript.txt'];

/** A recording of five parts of at most 8 MiB, with an empty transcript. */
export function makeRecording(id: string): string {
  const dir = join(tempFolder(), id);
  mkdirSync(dir);
  writeSource(join(dir, 'video.mkv'), VIDEO_BYTES, 20);
  writeSource(join(dir, 'thumbnail.jpg'), THUMBNAIL_BYTES, 21);
  writeSource(join(dir, 'transcript.txt'), 0, 22);
  makeOld(dir);
  return dir;
}

/** Starts the built program against the store, with `home` for its state. */
export function startProgram(
  launcher: string,
  { s3 }: RunningStore,
  home: string,
  args: readonly string[],
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: home,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: home,
      RECORDUPLOAD_ENDPOINT: s3.url,
      RECORDUPLOAD_BUCKET: s3.bucket,
      RECORDUPLOAD_REGION: s3.region,
      RECORDUPLOAD_STATE_DIR: join(home, 'state'),
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    },
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', chunk => {
    output += chunk;
  });
  child.stderr.on('data', chunk => {
    errors += chunk;
  });
  const ended = new Promise<Ended>(done => {
    child.on('close', code => done({ code, output, errors }));
  });
  return { child, ended };
}

/** Resolves once the store has so many parts of an upload of this key. */
export async function partsStored(bucket: Bucket, key: string, count: number): Promise<void> {
  for (;;) {
    for (const { uploadId } of await bucket.listUploads(key, signal)) {
      if ((await bucket.listParts(key, uploadId, signal)).parts.length >= count) return;
    }
    await sleep(20);
  }
}
