/** Memory that is shared out by the byte, first come, first served. */
export interface ByteBudget {
  /**
   * Waits until `bytes` more fit in. More than the whole budget is let in alone.
   * @returns gives the bytes back
   * @throws the signal's reason once it aborts
   */
  take(bytes: number, signal: AbortSignal): Promise<() => void>;
}

export function createByteBudget(limitBytes: number): ByteBudget {
  let takenBytes = 0;
  const waiting: { bytes: number; enter(): void }[] = [];
  const admit = () => {
    while (waiting[0] && (takenBytes === 0 || takenBytes + waiting[0].bytes <= limitBytes)) {
      const { bytes, enter } = waiting.shift() as (typeof waiting)[0];
      takenBytes += bytes;
      enter();
    }
  };
  return {
    take: (bytes, signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const entry = {
          bytes,
          enter() {
            signal.removeEventListener('abort', leave);
            resolve(() => {
              takenBytes -= bytes;
              admit();
            });
          },
        };
        const leave = () => {
          waiting.splice(waiting.indexOf(entry), 1);
          reject(signal.reason);
          admit();
        };
        signal.addEventListener('abort', leave, { once: true });
        waiting.push(entry);
        admit();
      }),
  };
}
