import { recordingIds } from '../../../app/recording-ids.ts';
import { loadConfig } from '../../../config/load-config.ts';
import { locateFiles } from '../../../config/locate-files.ts';
import { AppError } from '../../../core/errors.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** More than anyone picks from. */
const LIMIT = 200;

/** IDs of recordings in the state that begin with `prefix`, the latest first. */
export async function knownRecordings(prefix: string, { cwd, env }: Terminal): Promise<string[]> {
  return await orNothing(async () => {
    const { stateDir } = await locateFiles({ cwd, env });
    return await recordingIds({ stateDir, prefix, limit: LIMIT });
  });
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
