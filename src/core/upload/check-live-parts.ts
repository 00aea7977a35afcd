import { type Part, planParts } from '../storage/part-plan.ts';
import type { UploadState } from './complete-upload.ts';
import { type HashedPart, hashAhead } from './hash-ahead.ts';
import type { FileContext } from './session.ts';
import type { SourceFile } from './source-file.ts';

/** The checks of the parts that were sent while the file was being written. Dispose of them before the file is closed. */
export interface LivePartChecks extends AsyncDisposable {
  /** Those that have other bytes now, as they are found, to be sent again. */
  changed: AsyncIterable<HashedPart>;
  /**
   * Notes in the state that all parts are those of the finished file. Call it once all of `changed` have been sent.
   * @returns the parts that had changed
   * @throws AppError `SOURCE_CHANGED` if the file was written to meanwhile
   */
  finish(): Promise<Part[]>;
}

/**
 * Hashes the parts that were sent while the file was being written, on its own and at once: the line is busy meanwhile with
 * what is certainly missing. Parts whose bytes are still the file's are added to the state's parts.
 */
export function checkLiveParts(source: SourceFile, context: FileContext, state: UploadState): LivePartChecks {
  const { journal, ref, observer, recordingId, name } = context;
  const { sizeBytes, mtimeNs, inode } = source.file;
  const unchecked = state.unchecked ?? new Map();
  const planned = planParts(sizeBytes, state.upload.partSizeBytes);
  const toCheck = planned.filter(({ number }) => unchecked.has(number));
  const changed: Part[] = [];
  const waiting: HashedPart[] = [];
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  let isOver = false;
  let wake = () => {};

  const check = async () => {
    await using hashed = hashAhead(toCheck, source, { ...context, signal });
    for await (const one of hashed) {
      const stored = unchecked.get(one.part.number);
      if (one.sha256.toString('base64') === stored?.sha256) {
        state.parts.set(one.part.number, stored);
        continue;
      }
      changed.push(one.part);
      // It counted as sent already.
      observer({ type: 'file-progress', recordingId, name, bytes: -one.part.sizeBytes });
      waiting.push(one);
      wake();
    }
  };
  const checked = check().finally(() => {
    isOver = true;
    wake();
  });
  // A failure counts for whoever reads `changed`.
  checked.catch(() => {});

  return {
    changed: {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const next = waiting.shift();
          if (next) yield next;
          else if (isOver) break;
          else {
            await new Promise<void>(resolve => {
              wake = resolve;
            });
          }
        }
        await checked;
        const keptParts = toCheck.length - changed.length;
        const parts = { parts: planned.length, keptParts, changedParts: changed.length };
        observer({ type: 'live-ended', recordingId, name, sizeBytes, ...parts });
      },
    },
    async finish() {
      source.assertUnchanged();
      await journal.fileLookedAt(ref, { sizeBytes, mtimeNs, inode, live: false });
      state.upload = { ...state.upload, live: false };
      return changed;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await checked.catch(() => {});
    },
  };
}
