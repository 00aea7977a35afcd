import { type RetryReport, retry } from '../../../app/retry.ts';
import { planRetry, type RetryRequest } from '../../../app/retry-work.ts';
import type { RetriedUpload } from '../../../app/upload-queued.ts';
import { failuresOf } from '../../../core/upload/upload-report.ts';
import { EXIT, type ExitCode, exitCodeOf, heaviest } from '../../exit-codes.ts';
import { exitCodeOfSignal } from '../../failure.ts';
import { jsonDocument } from '../../json/document.ts';
import { type OpenCommand, openCommand } from '../../open-command.ts';
import type { Invocation, RunCommand } from '../../program/command.ts';
import { retryJson, retryPlanJson } from './json.ts';
import type { retrySpec } from './spec.ts';
import { failedDeliveries, quietLine, retryPlanText, retryText, stoppedEndpoints } from './text.ts';

type Call = Invocation<typeof retrySpec>;

/** `recordupload retry [id...]` */
export const run: RunCommand<typeof retrySpec> = async call => {
  const opening = call.options.list ? undefined : 'looking for unfinished uploads and webhooks that are due';
  await using open = await openCommand(call, { opening });
  return await (call.options.list ? list : finish)(call, open);
};

function requestOf({ args, options }: Call): RetryRequest {
  const { now = false, held = false, endpoint } = options;
  return { ids: args, now, held, endpoint };
}

async function finish(call: Call, { runtime, settle }: OpenCommand): Promise<ExitCode> {
  const { options, terminal, command, signal } = call;
  const report = await retry(requestOf(call), runtime);
  settle();
  const exitCode = heaviest([
    ...report.uploads.map(exitCodeOfUpload),
    report.elsewhere.length > 0 ? EXIT.incomplete : EXIT.done,
    isUndelivered(report) ? EXIT.webhook : EXIT.done,
    exitCodeOfSignal(signal),
  ]);
  if (options.json) {
    terminal.document(jsonDocument(command, exitCode, { result: retryJson(report) }));
    return exitCode;
  }
  const lines = retryText(report, terminal.paint.out);
  if (!options.quiet) terminal.out(lines.join('\n'));
  else if (exitCode !== EXIT.done) terminal.err(quietLine(report, lines[0] ?? ''));
  return exitCode;
}

/** A webhook that is held, that failed, or that was due and not sent. What other processes send is theirs. */
function isUndelivered({ deliveries, endpoints, held, later, away }: RetryReport): boolean {
  if (away !== undefined && later > 0) return true;
  return held.length > 0 || failedDeliveries(deliveries).length > 0 || stoppedEndpoints(endpoints).length > 0;
}

/** What waits is no failure: it begins by itself, or another process is at work on it. */
function exitCodeOfUpload(upload: RetriedUpload): ExitCode {
  if (!upload.ok) return upload.waits ? EXIT.done : exitCodeOf(upload.error.code);
  return heaviest(failuresOf(upload.report).map(error => exitCodeOf(error.code)));
}

/** `--list` */
async function list(call: Call, { runtime, settle }: OpenCommand): Promise<ExitCode> {
  const { options, terminal, command } = call;
  const plan = await planRetry(requestOf(call), runtime);
  settle();
  if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: retryPlanJson(plan) }));
  else terminal.out(retryPlanText(plan, runtime.clock.now()).join('\n'));
  return EXIT.done;
}
