import type { ChalkInstance } from 'chalk';
import { printable } from '../../../core/text.ts';
import { formatBytes } from '../../../core/units.ts';
import type { FileVerdict, VerifyReport } from '../../../core/upload/verify-recording.ts';
import { count, table } from '../../terminal/format.ts';

/** What a verification found; the first line sums it up. */
export function verifyText({ recordingId, ok, files }: VerifyReport, paint: ChalkInstance): string[] {
  const marks: Record<FileVerdict, string> = {
    same: paint.green('✔'),
    differs: paint.red('✘'),
    missing: paint.red('✘'),
    unproven: paint.yellow('?'),
  };
  const bad = files.filter(file => file.verdict !== 'same').length;
  const headline = ok
    ? `${paint.green('✔')} ${recordingId}: ${count(files.length, 'file')} verified`
    : `${paint.red('✘')} ${recordingId}: ${bad} of ${count(files.length, 'file')} not verified`;
  const rows = files.map(file => [
    `  ${marks[file.verdict]} ${printable(file.key)}`,
    file.sizeBytes === undefined ? '' : formatBytes(file.sizeBytes),
    `${file.verdict}: ${file.detail}`,
  ]);
  return [headline, ...table(rows), ...(ok ? [] : [`  next: recordupload upload <dir> --id ${recordingId}`])];
}
