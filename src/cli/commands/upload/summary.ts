import type { FolderResult } from '../../../app/upload-folders.ts';
import type { DeliveryReport } from '../../../core/delivery/delivery-report.ts';
import { failuresOf, type UploadReport } from '../../../core/upload/upload-report.ts';
import { EXIT, type ExitCode, exitCodeOf, heaviest } from '../../exit-codes.ts';
import { errorLine, exitCodeOfError } from '../../failure.ts';
import type { Invocation } from '../../program/command.ts';
import { uploadText } from '../../text/upload.ts';
import { type FolderJson, folderJson } from './json.ts';
import type { uploadSpec } from './spec.ts';
import { failureLine } from './text.ts';

/** What is left to print about a folder once it is done; small enough for ten thousand folders. */
export interface FolderSummary {
  exitCode: ExitCode;
  /** For people, on stdout and stderr; undefined: nothing. */
  out: string | undefined;
  err: string | undefined;
  /** Undefined unless asked for. */
  json: FolderJson | undefined;
  outcome: UploadReport['outcome'];
  sentBytes: number;
  webhooks: number;
  delivered: number;
}

/** Prepares what is printed about a folder, in the way that the options ask for. */
export function summarize(
  result: FolderResult,
  { options, terminal, args }: Pick<Invocation<typeof uploadSpec>, 'options' | 'terminal' | 'args'>,
): FolderSummary {
  const json = options.json ? folderJson(result) : undefined;
  if (!result.ok) {
    const where = args.length > 1 || options.recursive ? `${result.dir}: ` : '';
    const err = options.json ? undefined : errorLine(result.error, terminal, where);
    const nothing = { outcome: 'failed' as const, sentBytes: 0, webhooks: 0, delivered: 0 };
    return { exitCode: exitCodeOfError(result.error), out: undefined, err, json, ...nothing };
  }
  const { upload, deliveries } = result;
  // The sandbox ends with the command, and so does its state.
  const isSandbox = options.sandbox ?? false;
  const isKept = result.isKept && !isSandbox;
  const texts = options.json
    ? { out: undefined, err: undefined }
    : options.quiet
      ? { out: undefined, err: failureLine(upload, deliveries, { isKept, isSandbox }) }
      : { out: uploadText(upload, deliveries, terminal.paint.out, { isKept, isSandbox }).join('\n'), err: undefined };
  const { outcome, sentBytes } = upload;
  const delivered = deliveries.filter(delivery => delivery.outcome === 'delivered').length;
  const exitCode = exitCodeOfUpload(upload, deliveries, { strict: options.strict ?? false });
  return { exitCode, json, ...texts, outcome, sentBytes, webhooks: deliveries.length, delivered };
}

function exitCodeOfUpload(
  upload: UploadReport,
  deliveries: readonly DeliveryReport[],
  { strict }: { strict: boolean },
): ExitCode {
  const isLost = deliveries.some(({ outcome }) => outcome === 'lost' || (strict && outcome !== 'delivered'));
  const failures = failuresOf(upload).map(error => exitCodeOf(error.code));
  return heaviest([...failures, isLost ? EXIT.webhook : EXIT.done]);
}
