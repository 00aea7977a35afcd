import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Blobs, newSegmentId, type Segment } from './blobs.ts';

const BUFFER_BYTES = 1024 * 1024;

/** Segments as files in `dir`: `<id>.tmp` while a request writes it, `<id>` once it is whole. */
export async function folderBlobs(dir: string): Promise<Blobs> {
  await mkdir(dir, { recursive: true });
  const fileOf = (id: string) => join(dir, id);
  return {
    create() {
      const id = newSegmentId();
      const temporary = `${fileOf(id)}.tmp`;
      const file = createWriteStream(temporary, { highWaterMark: BUFFER_BYTES });
      let failure: unknown;
      file.on('error', error => {
        failure = error;
      });
      let sizeBytes = 0;
      return {
        write(bytes) {
          if (failure) throw failure;
          sizeBytes += bytes.length;
          if (!file.write(bytes)) return once(file, 'drain').then(() => {});
        },
        async finish() {
          const closed = once(file, 'close');
          file.end();
          await closed;
          if (failure) throw failure;
          await rename(temporary, fileOf(id));
          return { id, sizeBytes };
        },
        async discard() {
          if (!file.closed) {
            const closed = once(file, 'close');
            file.destroy();
            await closed.catch(() => {});
          }
          await rm(temporary, { force: true });
        },
      };
    },
    read({ id }, start, end) {
      if (start >= end) return nothing();
      return createReadStream(fileOf(id), { start, end: end - 1, highWaterMark: BUFFER_BYTES });
    },
    async remove(segments) {
      await Promise.all(segments.map(({ id }) => rm(fileOf(id), { force: true })));
    },
    async sweep(keep: Segment[]) {
      const ids = new Set(keep.map(({ id }) => id));
      for (const name of await readdir(dir)) if (!ids.has(name)) await rm(fileOf(name), { force: true });
    },
  };
}

async function* nothing(): AsyncGenerator<Buffer> {}
