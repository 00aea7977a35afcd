import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const KEY_BYTES = 32;

/**
 * The key that signs session cookies. It is kept in the state folder, so that browsers stay signed in when the dashboard
 * is restarted; where there is no state folder, or none that can be written, it lives as long as the process.
 * @param stateDir undefined: nothing may be written
 */
export function loadSessionKey(stateDir: string | undefined): Buffer {
  const fresh = randomBytes(KEY_BYTES);
  if (stateDir === undefined || !existsSync(stateDir)) return fresh;
  const file = join(stateDir, 'dashboard.key');
  try {
    const created = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    writeSync(created, fresh);
    closeSync(created);
    return fresh;
  } catch {
    return readKey(file) ?? fresh;
  }
}

/** A key that others could have read or written signs nothing. */
function readKey(file: string): Buffer | undefined {
  try {
    const opened = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    try {
      const { mode, uid } = fstatSync(opened);
      const isOwn = process.platform === 'win32' || ((mode & 0o077) === 0 && uid === process.getuid?.());
      const key = readFileSync(opened);
      return isOwn && key.length === KEY_BYTES ? key : undefined;
    } finally {
      closeSync(opened);
    }
  } catch {
    return undefined;
  }
}
