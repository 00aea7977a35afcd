import type { Part } from '../storage/part-plan.ts';
import type { UploadSession } from './session.ts';
import type { SourceFile } from './source-file.ts';

export interface HashedPart {
  part: Part;
  sha256: Buffer;
}

/** Parts in order, each once it is hashed. Dispose of them before the file is closed, whether they were read or not. */
export interface HashedParts extends AsyncIterable<HashedPart>, AsyncDisposable {}

/** So many bytes of parts that are not sent yet are hashed, so that the hashing thread has work while requests start. */
const BYTES_AHEAD = 128 * 1024 * 1024;
/** Of larger parts, so many beside the next one to be sent. */
const PARTS_AHEAD = 3;

/** Hashes parts in order, a few ahead of the one asked for; the first ones at once. */
export function hashAhead(parts: readonly Part[], source: SourceFile, { hasher, signal }: UploadSession): HashedParts {
  const hash = async (part: Part) => ({
    part,
    sha256: (await hasher.hash(source.fd, part.offset, part.sizeBytes)).sha256,
  });
  const queue: Promise<HashedPart>[] = [];
  let next = 0;
  const isFar = ({ offset }: Part) =>
    queue.length > PARTS_AHEAD && offset - (parts[next - queue.length] as Part).offset >= BYTES_AHEAD;
  const fill = () => {
    for (let part = parts[next]; part && !isFar(part); part = parts[++next]) {
      const hashed = hash(part);
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
