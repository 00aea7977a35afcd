import type { ChalkInstance } from 'chalk';
import type { FolderFile } from '../../../../config/trust/folder-files.ts';
import type { ListedTrust } from '../../../../config/trust/list-trusted.ts';
import { printable } from '../../../../core/text.ts';
import { count, table } from '../../../terminal/format.ts';
import { formatMoment } from '../../../terminal/moment.ts';

type Lines = (paint: ChalkInstance) => string[];

/** What is trusted now, and what counts because of that. */
export function trustedText(files: readonly FolderFile[]): Lines {
  return paint =>
    files.flatMap(({ realFile, steers }) => [
      `${paint.green('✔')} ${printable(realFile)} is trusted until its content changes`,
      ...steers.map(line => `    ${printable(line)}`),
    ]);
}

export function distrustedText(removed: number): Lines {
  return () => [removed === 0 ? 'none of these files was trusted' : `${count(removed, 'file')} no longer trusted`];
}

export function listedText(files: readonly ListedTrust[]): Lines {
  return paint => {
    if (files.length === 0) return ['no file is trusted'];
    const rows = files.map(({ file, state, since }) => [
      state === 'trusted' ? paint.green(state) : paint.yellow(state),
      formatMoment(since),
      printable(file),
    ]);
    return table(rows);
  };
}
