import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stateError } from '../sqlite/state-failure.ts';
import { runInThread } from '../sqlite/thread.ts';

/**
 * Copies the whole SQLite state beside itself, before it is emptied.
 * @param now names the copy, in milliseconds since 1970
 * @returns the copy
 * @throws AppError `STATE` if the disk does not take it; no part of the copy is left then
 */
export async function backUp(stateDir: string, now: number): Promise<string> {
  const time = new Date(now).toISOString().replace(/[-:.]/g, '');
  const backup = join(stateDir, `state.db.moved-${time}`);
  let isOurs = false;
  try {
    // Private from its first byte on, and never in place of another copy.
    closeSync(openSync(backup, 'wx', 0o600));
    isOurs = true;
    await runInThread(join(stateDir, 'state.db'), `VACUUM INTO '${backup.replaceAll("'", "''")}'`, {
      readOnly: false,
      timeoutMs: 10_000,
    });
    return backup;
  } catch (error) {
    // The words for it need to know whether the disk is full: half a copy would still be there, and help nobody.
    const inWords = stateError(error, stateDir);
    if (isOurs) for (const file of [backup, `${backup}-journal`]) rmSync(file, { force: true });
    throw inWords;
  }
}
