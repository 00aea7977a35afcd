import type { FolderFile } from '../../../../config/trust/folder-files.ts';
import type { ListedTrust } from '../../../../config/trust/list-trusted.ts';

/** The result of `config trust --json`. */
export interface TrustedJson {
  trusted: {
    file: string;
    /** What counts now, such as `webhook.url = https://…`. */
    steers: string[];
  }[];
}

/** The result of `config trust --remove --json`. */
export interface DistrustedJson {
  /** How many files are trusted no longer. */
  removed: number;
}

/** The result of `config trust --list --json`. */
export interface TrustListJson {
  files: { file: string; state: 'trusted' | 'changed' | 'gone'; since: string }[];
}

export function trustedJson(files: readonly FolderFile[]): TrustedJson {
  return { trusted: files.map(({ realFile, steers }) => ({ file: realFile, steers })) };
}

export function distrustedJson(removed: number): DistrustedJson {
  return { removed };
}

export function listedJson(files: readonly ListedTrust[]): TrustListJson {
  return { files: files.map(({ file, state, since }) => ({ file, state, since: new Date(since).toISOString() })) };
}
