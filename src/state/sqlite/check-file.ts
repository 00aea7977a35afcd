import { damageOf } from './find-damage.ts';
import { runInThread } from './thread.ts';

/**
 * SQLite's own check of a database file, its indexes included.
 * @returns what is wrong with it, as an error of SQLite; undefined if it is sound
 * @throws SQLite's error if the file cannot be checked; the signal's reason once it aborts
 */
export async function checkFile(
  file: string,
  options: { readOnly: boolean; timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<Error | undefined> {
  const verdict = (await runInThread(file, 'PRAGMA integrity_check(1)', options))?.integrity_check;
  if (verdict === 'ok') return undefined;
  return damageOf(String(verdict));
}
