import { randomFillSync } from 'node:crypto';
import { closeSync, copyFileSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeOld } from '../support/make-old.ts';

/** The smallest recording that has everything. */
export const FIXTURE = fileURLToPath(new URL('../../fixtures/recordings/3', import.meta.url));
const MIB = 1024 * 1024;
/** Above this a video is a hole: what is read are zeros, which costs the same, and the disk need not have the room. */
const LARGEST_WRITTEN_BYTES = 1024 * MIB;

/** Writes recordings below `root` and returns their folders. */
export function makeRecordings(
  root: string,
  { recordings, videoBytes }: { recordings: number; videoBytes: number },
): string[] {
  const block = randomFillSync(Buffer.alloc(Math.min(8 * MIB, videoBytes)));
  return Array.from({ length: recordings }, (_, index) => {
    const dir = join(root, `r${index + 1}`);
    mkdirSync(dir, { recursive: true });
    for (const name of ['thumbnail.jpg', 'transcript.txt']) copyFileSync(join(FIXTURE, name), join(dir, name));
    const fd = openSync(join(dir, 'video.mkv'), 'w');
    if (videoBytes > LARGEST_WRITTEN_BYTES) ftruncateSync(fd, videoBytes);
    else
      for (let left = videoBytes; left > 0; left -= block.length) writeSync(fd, block, 0, Math.min(left, block.length));
    closeSync(fd);
    makeOld(dir);
    return dir;
  });
}
