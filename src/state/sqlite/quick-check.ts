import { runInThread } from './thread.ts';

/** SQLite's result code for a damaged file. */
const CORRUPT = 11;

/**
 * SQLite's own check of a database file.
 * @returns what is wrong with it, as an error of SQLite; undefined if it is sound
 * @throws SQLite's error if the file cannot be checked; the signal's reason once it aborts
 */
export async function quickCheck(
  file: string,
  options: { readOnly: boolean; timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<Error | undefined> {
  const verdict = (await runInThread(file, 'PRAGMA quick_check(1)', options))?.quick_check;
  if (verdict === 'ok') return undefined;
  return Object.assign(new Error(String(verdict)), { code: 'ERR_SQLITE_ERROR', errcode: CORRUPT });
}
