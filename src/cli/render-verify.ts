import type { ChalkInstance } from 'chalk';
import type { FileVerdict, VerifyReport } from '../core/upload/verify-recording.ts';
import { count, formatBytes, printable, table } from './terminal/format.ts';

/** What a verification found; the first line says it all. */
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
