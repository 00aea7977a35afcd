import type { ChalkInstance } from 'chalk';
import type { LinkCheck } from '../../../app/check-link.ts';
import type { VerifiedRecording } from '../../../app/verify.ts';
import { shellQuoted } from '../../../core/shell-quoted.ts';
import { printable } from '../../../core/text.ts';
import { formatBytes } from '../../../core/units.ts';
import type { FileVerdict } from '../../../core/upload/verify-recording.ts';
import { count, table } from '../../terminal/format.ts';

/** What a verification found; the first line sums it up. */
export function verifyText({ recordingId, files, link, folder }: VerifiedRecording, paint: ChalkInstance): string[] {
  const marks: Record<FileVerdict, string> = {
    same: paint.green('✔'),
    differs: paint.red('✘'),
    missing: paint.red('✘'),
    unproven: paint.yellow('?'),
  };
  const bad = files.filter(file => file.verdict !== 'same').length;
  const isSound = bad === 0;
  const headline = isSound
    ? `${paint.green('✔')} ${recordingId}: ${count(files.length, 'file')} verified`
    : `${paint.red('✘')} ${recordingId}: ${bad} of ${count(files.length, 'file')} not verified`;
  const rows = files.map(file => [
    `  ${marks[file.verdict]} ${printable(file.key)}`,
    file.sizeBytes === undefined ? '' : formatBytes(file.sizeBytes),
    `${file.verdict}: ${printable(file.detail)}`,
  ]);
  return [
    headline,
    ...table(rows),
    ...(isSound
      ? []
      : [`  next: recordupload upload ${folder === undefined ? '<dir>' : shellQuoted(folder)} --id ${recordingId}`]),
    ...(link ? linkLines(link, paint) : []),
  ];
}

function linkLines({ url, ok, detail, fix }: LinkCheck, paint: ChalkInstance): string[] {
  const mark = ok ? paint.green('✔') : paint.red('✘');
  return [
    `  ${mark} ${printable(url)}: ${printable(detail)}`,
    ...(fix === undefined ? [] : [`    → ${printable(fix)}`]),
  ];
}
