import { dirname } from 'node:path';
import { isOutOfInodes } from './machine-limits.ts';

/** The system's own messages name system calls, which mean nothing to operators. "Its": the file's. */
const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'its disk is full',
  EDQUOT: 'the quota on its disk is used up',
  EIO: 'its disk reports an error',
  EROFS: 'its disk is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'its folder cannot be created',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  ELOOP: 'a symbolic link on its way leads in a circle',
  ENAMETOOLONG: 'its name is too long',
  EFBIG: 'it has reached the limit on the size of a file (ulimit -f)',
  EMFILE: 'too many open files (ulimit -n)',
  ENFILE: 'too many open files on this machine',
};

/** Why a file or folder could not be written, as a sentence about it ("its disk is full"). */
export function whyNotWritten(error: NodeJS.ErrnoException, path: string): string {
  if (error.code === 'ENOSPC' && isOutOfInodes(dirname(path))) return 'its disk takes no more files (no free inode)';
  return WHY[error.code ?? ''] ?? error.message;
}
