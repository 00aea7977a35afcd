/** What a server may send, and for how long. */
export interface ReadLimits {
  maxBytes: number;
  /** From now until the last byte. A server that sends a byte now and then would keep us for good. */
  totalMs: number;
}

/** The stream had more bytes than its limit. */
export class TooLong extends Error {
  override readonly message = 'more bytes than expected';
}

/** The stream had not ended in time. */
export class TooSlow extends Error {
  readonly code = 'TooSlow';
}

/**
 * Passes on the bytes of a server within limits. A stream that breaks them is left at once.
 * @throws TooLong, TooSlow, and what the stream throws
 */
export async function* limited(
  stream: AsyncIterable<Uint8Array>,
  { maxBytes, totalMs }: ReadLimits,
): AsyncGenerator<Uint8Array> {
  const iterator = stream[Symbol.asyncIterator]();
  const late = Promise.withResolvers<never>();
  // Whoever reads hears of it from the race below.
  late.promise.catch(() => {});
  const timer = setTimeout(
    () => late.reject(new TooSlow(`not complete after ${Math.ceil(totalMs / 1000)} s`)),
    totalMs,
  );
  let bytes = 0;
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), late.promise]);
      if (next.done) return;
      bytes += next.value.length;
      if (bytes > maxBytes) throw new TooLong();
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
    // Not awaited: an iterator that waits for its next byte ends only after it.
    iterator.return?.()?.catch(() => {});
  }
}

/** Reads a stream to its end, within limits. @throws as `limited` */
export async function readLimited(stream: AsyncIterable<Uint8Array>, limits: ReadLimits): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(limited(stream, limits)));
}
