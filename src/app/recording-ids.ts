import { openOverview } from './open-overview.ts';

/**
 * IDs of recordings in the state that begin with `prefix`, the latest first.
 * @returns none if there is no state
 * @throws AppError `STATE` if it cannot be read
 */
export async function recordingIds({
  stateDir,
  prefix,
  limit,
}: {
  stateDir: string;
  prefix: string;
  limit: number;
}): Promise<string[]> {
  const overview = await openOverview(stateDir);
  try {
    return (await overview?.recordingIds(prefix, { limit })) ?? [];
  } finally {
    overview?.close();
  }
}
