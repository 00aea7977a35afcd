import type { Clock } from './clock.ts';

/** What a server may send, and for how long. */
export interface ReadLimits {
  maxBytes: number;
  /** From now until the last byte. A server that sends a byte now and then would keep us for good. */
  totalMs: number;
  clock: Pick<Clock, 'sleep'>;
}

/** The stream had more bytes than its limit. */
class TooLong extends Error {
  override readonly message = 'more bytes than expected';
}

/** The stream had not ended in time. */
class TooSlow extends Error {
  readonly code = 'ETIMEDOUT';
  constructor(totalMs: number) {
    super(`not complete after ${Math.round(totalMs / 1000)} s`);
  }
}

/**
 * Passes on the bytes of a server within limits. A stream that breaks them is left at once.
 * @param abandon called if the stream is too slow: ends what it waits for
 * @throws TooLong, TooSlow, and what the stream throws
 */
async function* limited(
  stream: AsyncIterable<Uint8Array>,
  { maxBytes, totalMs, clock }: ReadLimits,
  abandon: () => void = () => {},
): AsyncGenerator<Uint8Array> {
  const iterator = stream[Symbol.asyncIterator]();
  const timer = new AbortController();
  const late = clock.sleep(totalMs, timer.signal).then(() => {
    throw new TooSlow(totalMs);
  });
  // Whoever reads hears of it from the race below.
  late.catch(() => {});
  let bytes = 0;
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), late]);
      if (next.done) return;
      bytes += next.value.length;
      if (bytes > maxBytes) throw new TooLong();
      yield next.value;
    }
  } catch (error) {
    if (error instanceof TooSlow) abandon();
    throw error;
  } finally {
    timer.abort();
    // Not awaited: an iterator that waits for its next byte ends only after it.
    iterator.return?.()?.catch(() => {});
  }
}

/** Reads a stream to its end, within limits. @throws as `limited` */
export async function readLimited(
  stream: AsyncIterable<Uint8Array>,
  limits: ReadLimits,
  abandon?: () => void,
): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(limited(stream, limits, abandon)));
}
