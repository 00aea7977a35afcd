import { places, type TakePlace } from '../pool.ts';
import type { InFlight } from '../storage/in-flight.ts';

/** Parts of recordings in progress that are sent at once, over all of them. */
const PARTS_AT_ONCE = 4;

/** Memory that they are held in. Their bytes may change in the file at any moment, so what was hashed is what is sent. */
const MEMORY_BYTES = 32 * 1024 * 1024;

/** Places for parts of recordings in progress: few, and only while no part of a finished recording is sent or waits. */
export interface LivePlaces {
  /** @param partSizeBytes large parts are sent one by one, for their memory */
  take(partSizeBytes: number, signal: AbortSignal): Promise<{ buffer: Buffer; leave(): void }>;
}

export function livePlaces({ acquireIdle }: Pick<InFlight, 'acquireIdle'>): LivePlaces {
  const ordinary = places(PARTS_AT_ONCE);
  const large = places(1);
  let idle: Buffer[] = [];
  return {
    async take(partSizeBytes, signal) {
      const leaves: (() => void)[] = [];
      const enter = async (takePlace: TakePlace) => leaves.push(await takePlace(signal));
      try {
        if (partSizeBytes * PARTS_AT_ONCE > MEMORY_BYTES) await enter(large);
        await enter(ordinary);
        await enter(acquireIdle);
      } catch (error) {
        for (const leave of leaves) leave();
        throw error;
      }
      idle = idle.filter(({ length }) => length === partSizeBytes);
      const buffer = idle.pop() ?? Buffer.allocUnsafeSlow(partSizeBytes);
      return {
        buffer,
        leave() {
          // A few stay for the next parts; what nobody needs any more is the garbage collector's.
          if (idle.length < PARTS_AT_ONCE && partSizeBytes * PARTS_AT_ONCE <= MEMORY_BYTES) idle.push(buffer);
          for (const leave of leaves) leave();
        },
      };
    },
  };
}
