import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const KEY_BYTES = 32;

/** The key that signs session cookies. */
export interface SessionKey {
  bytes: Buffer;
  /**
   * Keeps it in the state folder, so that browsers stay signed in when the dashboard is restarted. Does nothing as long as
   * there is no such folder, which the dashboard does not make, or where nothing can be written.
   */
  keep(): void;
}

/** The key of the state folder, or a new one. */
export function openSessionKey(stateDir: string): SessionKey {
  const file = join(stateDir, 'dashboard.key');
  const kept = readKey(file);
  if (kept) return { bytes: kept, keep: () => {} };
  const bytes = randomBytes(KEY_BYTES);
  let isDone = false;
  return {
    bytes,
    keep() {
      if (isDone || !existsSync(stateDir)) return;
      isDone = true;
      try {
        const created = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
        writeSync(created, bytes);
        closeSync(created);
      } catch {
        // It holds as long as the process then.
      }
    },
  };
}

/** A key that others could have read or written signs nothing. */
function readKey(file: string): Buffer | undefined {
  try {
    const opened = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = fstatSync(opened);
      const isOwn = process.platform === 'win32' || ((stats.mode & 0o077) === 0 && stats.uid === process.getuid?.());
      if (!isOwn || !stats.isFile() || stats.size !== KEY_BYTES) return undefined;
      return readFileSync(opened);
    } finally {
      closeSync(opened);
    }
  } catch {
    return undefined;
  }
}
