import type { DeliveryReport } from '../core/delivery/delivery-report.ts';
import type { AppError } from '../core/errors.ts';
import type { UploadReport } from '../core/upload/upload-report.ts';
import { failuresOf } from '../core/upload/upload-report.ts';
import { EXIT, type ExitCode, exitCodeOf, heaviest } from './exit-codes.ts';
import { errorLine, exitCodeOfError, jsonError } from './failure.ts';
import type { Invocation } from './program/command.ts';
import { deliveryJson, uploadJson } from './render-json.ts';
import { failureLine, uploadText } from './render-upload.ts';

/** What became of one folder. */
export type FolderResult =
  | { ok: true; dir: string; report: UploadReport; deliveries: DeliveryReport[] }
  | { ok: false; dir: string; error: AppError };

/** What is left to say of one folder once it is done; so little that ten thousand of them fit into memory. */
export interface FolderSummary {
  exitCode: ExitCode;
  /** For people, on stdout and stderr; undefined: nothing. */
  out: string | undefined;
  err: string | undefined;
  /** For programs; undefined unless asked for. */
  json: object | undefined;
  outcome: UploadReport['outcome'];
  sentBytes: number;
  webhooks: number;
  delivered: number;
}

/** Says what became of a folder, in the way that was asked for. */
export function summarize(
  result: FolderResult,
  { options, terminal, args }: Invocation,
  { isKept }: { isKept: boolean },
): FolderSummary {
  const json = options.json ? jsonOf(result) : undefined;
  if (!result.ok) {
    const where = args.length > 1 || options.recursive ? `${result.dir}: ` : '';
    const err = options.json ? undefined : errorLine(result.error, terminal, where);
    const nothing = { outcome: 'failed' as const, sentBytes: 0, webhooks: 0, delivered: 0 };
    return { exitCode: exitCodeOfError(result.error), out: undefined, err, json, ...nothing };
  }
  const { report, deliveries } = result;
  const texts = options.json
    ? { out: undefined, err: undefined }
    : options.quiet
      ? { out: undefined, err: failureLine(report, deliveries, { isKept }) }
      : { out: uploadText(report, deliveries, terminal.paint.out, { isKept }).join('\n'), err: undefined };
  const { outcome, sentBytes } = report;
  const delivered = deliveries.filter(delivery => delivery.outcome === 'delivered').length;
  const exitCode = exitCodeOfUpload(report, deliveries, { strict: Boolean(options.strict) });
  return { exitCode, json, ...texts, outcome, sentBytes, webhooks: deliveries.length, delivered };
}

function exitCodeOfUpload(
  report: UploadReport,
  deliveries: readonly DeliveryReport[],
  { strict }: { strict: boolean },
): ExitCode {
  const undelivered = deliveries.some(({ outcome }) => outcome === 'lost' || (strict && outcome !== 'delivered'));
  const failures = failuresOf(report).map(error => exitCodeOf(error.code));
  return heaviest([...failures, undelivered ? EXIT.webhook : EXIT.done]);
}

function jsonOf(result: FolderResult): object {
  return result.ok
    ? { ...uploadJson(result.report), deliveries: result.deliveries.map(deliveryJson) }
    : { dir: result.dir, outcome: 'failed', error: jsonError(result.error) };
}
