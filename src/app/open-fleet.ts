import type { Config } from '../config/config.ts';
import { readCaFile } from '../core/ca-file.ts';
import { parseDatabaseUrl } from '../core/database-url.ts';
import { AppError } from '../core/errors.ts';
import type { FleetOptions } from '../state/state.ts';

export type { Changes, FleetOptions } from '../state/state.ts';

type FleetConfig = Pick<Config, 'stateUrl' | 'machine' | 'sharedFolders' | 'caFile'> &
  Partial<Pick<Config, 'isMachineNamed'>>;

/**
 * The fleet whose state is used; undefined: the state is a file of this machine.
 * @param program what the program calls itself: `recordupload/<version>`
 * @throws AppError `CONFIG` if its certificates cannot be read
 */
export function fleetOf(
  { stateUrl, machine, isMachineNamed, sharedFolders, caFile }: FleetConfig,
  program: string,
): FleetOptions | undefined {
  if (stateUrl === undefined) return undefined;
  return { url: stateUrl, machine, isHostName: !isMachineNamed, sharedFolders, program, ca: readCaFile(caFile) };
}

/**
 * The SQL that an administrator of the database runs where the role of `stateUrl` may not create a schema.
 * @param role who uses it; the user of `stateUrl` unless given
 * @throws AppError `USAGE` if nothing says who
 */
export async function stateSql({ stateUrl }: Pick<Config, 'stateUrl'>, role: string | undefined): Promise<string> {
  const parsed = stateUrl === undefined ? undefined : parseDatabaseUrl(stateUrl);
  const name = role ?? (parsed?.ok ? parsed.url.user : undefined);
  if (name === undefined) {
    throw new AppError('USAGE', 'nothing says for which role the SQL is', {
      hint: 'name it with --role, or in stateUrl (RECORDUPLOAD_STATE_URL)',
    });
  }
  const { schemaSql } = await import('../state/open.ts');
  return await schemaSql(name);
}
