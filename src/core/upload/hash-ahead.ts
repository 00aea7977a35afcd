import type { Part } from '../storage/part-plan.ts';
import type { UploadSession } from './session.ts';
import type { SourceFile } from './source-file.ts';

export interface HashedPart {
  part: Part;
  sha256: Buffer;
}

/** Parts in order, each once it is hashed. Dispose of them before the file is closed, whether they were read or not. */
export interface HashedParts extends AsyncIterable<HashedPart>, AsyncDisposable {}

/** Parts hashed ahead of the one being sent. */
const HASH_AHEAD = 3;

/** Hashes parts in order, a few ahead of the one asked for; the first ones at once. */
export function hashAhead(parts: readonly Part[], source: SourceFile, { hasher, signal }: UploadSession): HashedParts {
  const hash = async (part: Part) => ({
    part,
    sha256: (await hasher.hash(source.fd, part.offset, part.sizeBytes)).sha256,
  });
  const queue: Promise<HashedPart>[] = [];
  let next = 0;
  const fill = () => {
    while (next < parts.length && queue.length <= HASH_AHEAD) {
      const hashed = hash(parts[next++] as Part);
      // A failure counts when its part is asked for.
      hashed.catch(() => {});
      queue.push(hashed);
    }
  };
  fill();
  return {
    async *[Symbol.asyncIterator]() {
      for (let hashed = queue.shift(); hashed; hashed = queue.shift()) {
        signal.throwIfAborted();
        yield await hashed;
        fill();
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(queue);
    },
  };
}
