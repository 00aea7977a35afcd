import { fleetOf } from '../../../app/open-fleet.ts';
import { recordingIds } from '../../../app/recording-ids.ts';
import { loadConfig } from '../../../config/load-config.ts';
import { locateFiles } from '../../../config/locate-files.ts';
import { AppError } from '../../../core/errors.ts';
import { USER_AGENT } from '../../open-command.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** More than anyone picks from. */
const LIMIT = 200;

/** IDs of recordings in the state that begin with `prefix`, the latest first. */
export async function knownRecordings(prefix: string, { cwd, env }: Terminal): Promise<string[]> {
  return await orNothing(async () => {
    return await recordingIds({ ...(await stateOf({ cwd, env })), prefix, limit: LIMIT });
  });
}

/** Where the state is; with a configuration that has problems, the folder is known all the same. */
async function stateOf({ cwd, env }: Pick<Terminal, 'cwd' | 'env'>) {
  try {
    const { config } = await loadConfig({ cwd, env, withoutSecrets: true });
    return { stateDir: config.stateDir, fleet: fleetOf(config, USER_AGENT) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { stateDir: (await locateFiles({ cwd, env })).stateDir, fleet: undefined };
  }
}

/** Names of the configured endpoints. */
export async function endpointNames({ cwd, env }: Terminal): Promise<string[]> {
  return await orNothing(async () => {
    const { config } = await loadConfig({ cwd, env });
    return config.webhooks.map(({ name }) => name);
  });
}

/** The user is still typing: errors are shown once the command runs. */
async function orNothing(find: () => Promise<string[]>): Promise<string[]> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof AppError) return [];
    throw error;
  }
}
