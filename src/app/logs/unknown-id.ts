import { AppError } from '../../core/errors.ts';
import type { FleetOptions } from '../open-fleet.ts';
import { openOverview } from '../open-overview.ts';
import { isKnown, unknownRecording } from '../unknown-recording.ts';
import { readLog } from './read-log.ts';

interface UnknownIdRequest {
  id: string;
  /** The log. */
  file: string;
  stateDir: string;
  fleet: FleetOptions | undefined;
}

/**
 * Refuses an ID that is neither in the log nor in the state: no line will ever be about it.
 * @throws AppError `USAGE`; `STATE` if the log cannot be read
 */
export async function refuseUnknownId(request: UnknownIdRequest): Promise<void> {
  const { id, file, stateDir, fleet } = request;
  if (readLog({ file, limit: 1, id }).lines.length > 0) return;
  try {
    const overview = await openOverview(stateDir, { fleet });
    try {
      if (overview && (await isKnown(id, overview))) return;
    } finally {
      overview?.close();
    }
  } catch (error) {
    // The log can be read although the state cannot; whether the state knows the ID is not certain then.
    if (error instanceof AppError) return;
    throw error;
  }
  throw unknownRecording(id);
}
