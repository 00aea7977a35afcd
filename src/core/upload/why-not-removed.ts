import { isOutOfFiles, isSystemError } from '../errors.ts';
import { FileReplaced } from '../recording/open-file.ts';
import { type NotRemoved, RemovalStopped } from './local-removal.ts';

const REASONS: Readonly<Record<string, string>> = {
  EROFS: 'cannot be removed: its disk is read-only',
  EACCES: 'cannot be removed: this user may not change its folder',
  EPERM: 'cannot be removed: this user may not do that',
  EBUSY: 'cannot be removed: it is in use',
  ETXTBSY: 'cannot be removed: it is in use',
  EIO: 'cannot be removed: its disk reports an error',
};

/**
 * What an error of the operating system means for a recording's local files.
 * @throws RemovalStopped where it means the same for all others; anything else that is no error of the system
 */
export function notRemovedFor(path: string, error: unknown): NotRemoved {
  if (error instanceof FileReplaced)
    return { outcome: 'kept', reason: `${path} was replaced by another file, or a link, while it was looked at` };
  if (!isSystemError(error)) throw error;
  const { code = '' } = error;
  if (isOutOfFiles(error)) throw new RemovalStopped('too many open files', { cause: error });
  if (code === 'ENOENT' || code === 'ESTALE')
    return { outcome: 'waiting', reason: `${path} vanished while it was looked at` };
  return { outcome: 'kept', reason: `${path} ${REASONS[code] ?? `cannot be removed (${code})`}` };
}
