import { hostText } from '../../core/database-url.ts';
import type { DatabaseFacts, FleetOptions } from '../state.ts';
import { openConnections } from './connection.ts';
import { databaseError, noRight } from './failure.ts';
import { endSession } from './farewell.ts';
import { refusalOfName } from './liveness.ts';
import { readVersion } from './migrations.ts';
import { missingRight } from './rights.ts';
import { connectionSettings, databaseOptions } from './settings.ts';
import type { Timelines } from './timelines.ts';

/** How long a round trip takes is the median of so many. */
const ROUND_TRIPS = 5;

/**
 * Looks at the database of a fleet; makes nothing in it.
 * @param timelines what this machine has seen of failovers
 * @throws AppError `STATE` if it cannot be used
 */
export async function lookAtDatabase(fleet: FleetOptions, timelines: Timelines): Promise<DatabaseFacts> {
  const connections = openConnections({ ...connectionSettings(fleet), timelines });
  try {
    return await connections.use(async (client, { host, versionNumber, isEncrypted, isPooled }) => {
      // Whoever works has two connections at the least.
      await endSession((await connections.session()).client);
      const schemaVersion = await readVersion(client, connections.where);
      const missing = await missingRight(client, schemaVersion);
      const { self } = databaseOptions(fleet, process.pid);
      const lacks =
        missing !== undefined
          ? noRight(connections.where, missing)
          : schemaVersion > 0
            ? await refusalOfName(client, self)
            : undefined;
      const times: number[] = [];
      for (let trip = 0; trip < ROUND_TRIPS; trip++) {
        const begun = performance.now();
        await client.query('SELECT 1');
        times.push(performance.now() - begun);
      }
      times.sort((a, b) => a - b);
      return {
        host: hostText(host),
        serverVersion: `${Math.floor(versionNumber / 10_000)}.${versionNumber % 10_000}`,
        schemaVersion,
        isEncrypted,
        isPooled,
        lacks,
        roundTripMs: times[Math.floor(ROUND_TRIPS / 2)] ?? 0,
      };
    });
  } catch (error) {
    throw databaseError(error, connections.where);
  } finally {
    await connections.close();
  }
}
