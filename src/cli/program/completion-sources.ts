import { loadConfig } from '../../config/load-config.ts';
import { locateFiles } from '../../config/locate-files.ts';
import { AppError } from '../../core/errors.ts';
import { openReadOnly } from '../../state/sqlite/read-only.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** More than anyone picks from. */
const MOST = 200;

/** Ids of recordings in the state that begin so, the latest first. None where there is no state to read. */
export async function recordingIds(prefix: string, { cwd, env }: Terminal): Promise<string[]> {
  return await orNothing(async () => {
    const { stateDir } = await locateFiles({ cwd, env });
    const state = openReadOnly(stateDir);
    if (!state) return [];
    try {
      const rows = state.all(
        `SELECT id FROM recordings WHERE created_at > 0 AND substr(id, 1, ?) = ? ORDER BY updated_at DESC LIMIT ?`,
        prefix.length,
        prefix,
        MOST,
      );
      return [...new Set(rows.map(row => String(row.id)))];
    } finally {
      state.close();
    }
  });
}

/** The configured endpoints. */
export async function endpointNames({ cwd, env }: Terminal): Promise<string[]> {
  return await orNothing(async () => {
    const { config } = await loadConfig({ cwd, env });
    return config.webhooks.map(({ name }) => name);
  });
}

/** Somebody is typing: what is wrong is told once the command runs. */
async function orNothing(find: () => Promise<string[]>): Promise<string[]> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof AppError) return [];
    throw error;
  }
}
