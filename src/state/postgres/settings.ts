import { parseDatabaseUrl } from '../../core/database-url.ts';
import { AppError } from '../../core/errors.ts';
import type { FleetOptions } from '../state.ts';
import type { ConnectionSettings } from './connection.ts';
import type { DatabaseOptions } from './database.ts';
import { machineFingerprint } from './fingerprint.ts';

/** How to connect to the database of a fleet. @throws AppError `CONFIG` if its URL is none */
export function connectionSettings({ url, machine, program, ca }: FleetOptions): ConnectionSettings {
  const parsed = parseDatabaseUrl(url);
  if (!parsed.ok) throw new AppError('CONFIG', `stateUrl ${parsed.flaw} (the value is not shown)`);
  return { url: parsed.url, applicationName: `${program} on ${machine}`, ca };
}

/** The same, and who this process is. */
export function databaseOptions(fleet: FleetOptions, pid: number): DatabaseOptions {
  const { machine, isHostName, program: version, sharedFolders } = fleet;
  const self = { machine, isHostName, fingerprint: machineFingerprint(), pid, version };
  return { ...connectionSettings(fleet), self, sharedFolders };
}
