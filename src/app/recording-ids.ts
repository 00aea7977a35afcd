import type { FleetOptions } from './open-fleet.ts';
import { openOverview } from './open-overview.ts';

/**
 * IDs of recordings in the state that begin with `prefix`, the latest first.
 * @returns none if there is no state
 * @throws AppError `STATE` if it cannot be read
 */
export async function recordingIds({
  stateDir,
  fleet,
  prefix,
  limit,
}: {
  stateDir: string;
  fleet: FleetOptions | undefined;
  prefix: string;
  limit: number;
}): Promise<string[]> {
  const overview = await openOverview(stateDir, { fleet });
  try {
    return (await overview?.recordingIds(prefix, { limit })) ?? [];
  } finally {
    overview?.close();
  }
}
