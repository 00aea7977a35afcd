import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeOld } from './make-old.ts';
import { tempDir } from './temp-dir.ts';

/** A fixture's path: `recordings/3`, `configs/unclosed.json`, … */
export const fixture = (path: string): string => join(resolve(import.meta.dirname, '../../fixtures'), path);

export interface RecordingFolder {
  /** The folder's name, and with it the recording's id; a new one unless given. */
  name?: string;
  /** Where the folder is made; a temporary folder unless given. */
  parent?: string;
  /** Bytes of a `video.mkv` that is no video; a playable one of 10 s unless given. */
  videoBytes?: number;
  /** Further files, or others in place of the usual ones; null: without this one. */
  files?: Record<string, string | Buffer | null>;
}

let lastId = 100;
/** An id that no other recording of the test file has. */
export const freshId = (): string => String(++lastId);

/** Writes a recording's folder: a video, a thumbnail and a transcript. Returns its path. */
export function makeRecording({ name = freshId(), parent, videoBytes, files = {} }: RecordingFolder = {}): string {
  const dir = join(parent ?? tempDir(), name);
  mkdirSync(dir, { recursive: true });
  if (videoBytes !== undefined) writeFileSync(join(dir, 'video.mkv'), filler(videoBytes));
  else if (files['video.mkv'] !== null) copyFileSync(fixture('recordings/3/video.mkv'), join(dir, 'video.mkv'));
  const others = { 'thumbnail.jpg': 'no real picture', 'transcript.txt': 'Ada: shall we begin?\n', ...files };
  for (const [file, content] of Object.entries(others)) {
    if (content !== null) writeFileSync(join(dir, file), content);
  }
  makeOld(dir);
  return dir;
}

/** Bytes in which no two places look alike, so that a misplaced part is noticed. */
export function filler(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4096) buffer.writeUInt32LE(at, at);
  return buffer;
}
