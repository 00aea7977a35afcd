import type { Stats } from 'node:fs';
import { AppError, hasErrorCode } from '../core/errors.ts';
import { decodeTextOrAdvise } from '../core/file-text.ts';
import { readSmallFile, Unreadable } from '../core/read-file.ts';
import { shellQuoted } from '../core/shell-quoted.ts';
import type { Machine } from './paths.ts';

/** More than any key or token has; a device or a log given by mistake must not be read for ever. */
const LARGEST_SECRET_BYTES = 64 * 1024;

type Owner = Pick<Machine, 'platform' | 'uid'>;

/** Why a file must not be used: another user owns it or can change it. Undefined if it can be used. */
export function flawOfTrust(stats: Stats, file: string, { platform, uid }: Owner): string | undefined {
  if (platform === 'win32' || uid === undefined) return undefined;
  if (stats.uid !== uid && stats.uid !== 0) {
    return `belongs to another user (uid ${stats.uid}) and is not used: chown it, or name it with --config`;
  }
  if ((stats.mode & 0o022) !== 0) return `can be changed by other users: chmod go-w ${shellQuoted(file)}`;
  return undefined;
}

/** Why a file with secrets is refused: others can read it. Undefined if they cannot. */
export function flawOfPrivacy(stats: Stats, file: string, { platform }: Owner): string | undefined {
  if (platform === 'win32' || (stats.mode & 0o044) === 0) return undefined;
  return `contains a secret and can be read by other users: chmod 600 ${shellQuoted(file)}`;
}

/** systemd's credential files belong to root or to this user, and may be readable by the unit's group, but by nobody else. */
function flawOfCredential(stats: Stats, file: string, { platform, uid }: Owner): string | undefined {
  if (platform === 'win32' || uid === undefined) return undefined;
  if (stats.uid !== uid && stats.uid !== 0) return `belongs to another user (uid ${stats.uid})`;
  return (stats.mode & 0o004) === 0 ? undefined : `can be read by everybody: chmod o-r ${shellQuoted(file)}`;
}

/** A secret from a file, without its trailing newline, or the reason why it cannot be used. */
export type SecretFile = { ok: true; text: string } | { ok: false; flaw: string; missing: boolean };

/** Reads a file that holds one secret. `issued`: it lies in `$CREDENTIALS_DIRECTORY`. */
export async function readSecretFile(
  file: string,
  owner: Owner,
  options: { issued?: boolean } = {},
): Promise<SecretFile> {
  const refuse = (what: string): SecretFile => ({ ok: false, flaw: `${file} ${what}`, missing: false });
  try {
    const { bytes, stats } = await readSmallFile(file);
    const flaw = (options.issued ? flawOfCredential : flawOfPrivacy)(stats, file, owner);
    if (flaw !== undefined) return refuse(flaw);
    if (bytes.length > LARGEST_SECRET_BYTES) return refuse('is too large to hold one secret');
    const decoded = decodeTextOrAdvise(bytes);
    return decoded.ok ? { ok: true, text: decoded.text.replace(/\r?\n$/, '') } : refuse(decoded.flaw);
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (error instanceof Unreadable)
      return refuse(error.stats.isFile() ? 'is too large to hold one secret' : error.flaw);
    if (hasErrorCode(error, 'EISDIR')) return refuse('is not a file');
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return { ok: false, flaw: `${file} does not exist`, missing: true };
    if (hasErrorCode(error, 'EACCES', 'EPERM')) return refuse('cannot be read: permission denied');
    return refuse(`cannot be read: ${String((error as Error).message)}`);
  }
}
