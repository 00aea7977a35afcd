import type { ChalkInstance } from 'chalk';
import type { ForgetReport, ForgottenReport } from '../../../app/forget.ts';
import { printable } from '../../../core/text.ts';
import { errorText } from '../../failure.ts';
import { count } from '../../terminal/format.ts';
import { discardedText } from '../../text/discarded.ts';

/** What ended, what stays in the bucket, and what could not be ended. */
export function forgetText(report: ForgetReport, paint: ChalkInstance): string[] {
  const { recordingId, uploads, discarded, queued, refused, kept = [] } = report;
  const known = queued.length + refused.length > 0 || uploads.some(({ state }) => state !== undefined);
  const failed = uploads.flatMap(({ notAborted }) => notAborted);
  return [
    `${paint.green('✔')} ${recordingId}: ${known ? 'forgotten' : 'no upload is known here any more'}`,
    ...(discarded.length > 0 ? [`  ${discardedText(report)}`] : []),
    ...uploads.flatMap(one => uploadLines(one, paint)),
    ...kept.map(target => `  it stays known in ${printable(target)}, where all of it is uploaded`),
    ...(failed.length > 0
      ? [`next: ${againText(recordingId)}: it aborts what is left, once the store can be reached`]
      : []),
  ];
}

/** The same command, which tries again what could not be aborted. */
export function againText(recordingId: string): string {
  return `recordupload forget ${recordingId}`;
}

function uploadLines(upload: ForgottenReport, paint: ChalkInstance): string[] {
  const { target, aborted, notAborted, stored } = upload;
  return [
    ...(aborted.length > 0 ? [`  aborted: ${aborted.map(printable).join(', ')}`] : []),
    ...notAborted.map(
      ({ key, error }) =>
        `  ${paint.yellow('!')} not aborted, its parts stay in the bucket: ${printable(key)}: ${errorText(error)}`,
    ),
    ...(stored.length > 0
      ? [
          `  ${count(stored.length, 'object')} ${stored.length === 1 ? 'stays' : 'stay'} in ${printable(target)}:`,
          ...stored.map(key => `    ${printable(key)}`),
        ]
      : []),
  ];
}
