import { formatDuration } from '../../core/units.ts';
import type { Runtime } from '../runtime.ts';
import type { Finding } from './check.ts';

/** Each upload and each webhook makes some ten round trips. */
const SLOW_MS = 100;

/** The oldest release that the state's SQL is tested with. */
const OLDEST_VERSION = 14;

/**
 * Checks the database of a fleet. Makes nothing in it.
 * @throws AppError `STATE` if it cannot be used
 */
export async function checkDatabase({ database, config }: Pick<Runtime, 'database' | 'config'>): Promise<Finding[]> {
  const name = 'state database';
  const facts = await database();
  if (!facts) return [];
  if (facts.lacks) throw facts.lacks;
  const { host, serverVersion, schemaVersion, isEncrypted, isPooled, roundTripMs } = facts;
  const schema = schemaVersion === 0 ? 'no schema yet: the first upload makes it' : `schema version ${schemaVersion}`;
  const ways = [isEncrypted ? 'encrypted (TLS)' : 'not encrypted', ...(isPooled ? ['through a pooler'] : [])];
  const detail = `PostgreSQL ${serverVersion} at ${host}, ${schema}, ${ways.join(', ')}, as machine ${config.machine}`;
  if (Number.parseInt(serverVersion, 10) < OLDEST_VERSION) {
    return [{ name, status: 'failure', detail, fix: `upgrade PostgreSQL to ${OLDEST_VERSION} or newer` }];
  }
  const isSlow = roundTripMs >= SLOW_MS;
  return [
    { name, status: 'ok', detail },
    {
      name: 'round trip to the state database',
      status: isSlow ? 'warning' : 'ok',
      detail: roundTripMs < 1 ? 'under 1 ms' : formatDuration(roundTripMs),
      ...(isSlow && { fix: 'use a server nearer to this machine: uploads wait for some ten round trips each' }),
    },
  ];
}
