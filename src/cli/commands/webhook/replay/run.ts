import { chooseReplay, type ReplayRequest, replay } from '../../../../app/replay.ts';
import type { Delivery } from '../../../../core/delivery/delivery.ts';
import { AppError } from '../../../../core/errors.ts';
import { EXIT, type ExitCode } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import { type OpenCommand, openCommand } from '../../../open-command.ts';
import type { Invocation, RunCommand } from '../../../program/command.ts';
import { confirm } from '../../../terminal/confirm.ts';
import { count } from '../../../terminal/format.ts';
import { parseMoment } from '../../../terminal/moment.ts';
import { undelivered } from '../../../text/delivery.ts';
import { replayJson, replayPlanJson } from './json.ts';
import type { webhookReplaySpec } from './spec.ts';
import { periodText, replayPlanText, replayText } from './text.ts';

type Call = Invocation<typeof webhookReplaySpec>;

/** `recordupload webhook replay --since <time>` */
export const run: RunCommand<typeof webhookReplaySpec> = async call => {
  await using open = await openCommand(call);
  const chosen = await chooseReplay(requestOf(call, open.runtime.clock.now()), open.runtime);
  return await (call.options.dryRun ? list : send)(chosen, call, open);
};

function requestOf({ options }: Call, now: number): ReplayRequest {
  const { held = false, endpoint } = options;
  if (options.since === undefined)
    throw new AppError('USAGE', '--since is missing: where does the period start?', { hint: 'such as --since 2h' });
  const since = parseMoment(options.since, '--since', now);
  const until = options.until === undefined ? now + 1 : parseMoment(options.until, '--until', now);
  if (since >= until)
    throw new AppError('USAGE', '--since is not before --until', { hint: 'such as --since 2d --until 1d' });
  return { since, until, held, endpoint };
}

async function send(chosen: Delivery[], call: Call, { runtime, settle }: OpenCommand): Promise<ExitCode> {
  const { options, terminal, command } = call;
  const isWanted = await isConfirmed(chosen, call);
  const report = await replay(isWanted ? chosen : [], runtime);
  settle();
  const isFailed = undelivered(report.deliveries).length > 0;
  const exitCode = isFailed ? EXIT.webhook : EXIT.done;
  if (options.json) {
    terminal.document(jsonDocument(command, exitCode, { result: replayJson(chosen, report) }));
    return exitCode;
  }
  const lines = isWanted ? replayText(report, terminal.paint.out) : ['nothing was sent'];
  if (!options.quiet) terminal.out(lines.join('\n'));
  else if (isFailed) terminal.err(`recordupload webhook replay: ${lines[0]}; next: recordupload retry --now`);
  return exitCode;
}

async function isConfirmed(chosen: readonly Delivery[], call: Call): Promise<boolean> {
  if (chosen.length === 0) return true;
  const many = count(chosen.length, 'webhook');
  return await confirm(
    { what: `sending ${many} again`, question: `Send ${many} (${periodText(chosen)}) again?` },
    call,
  );
}

/** `--dry-run` */
async function list(chosen: Delivery[], call: Call, { settle }: OpenCommand): Promise<ExitCode> {
  const { options, terminal, command } = call;
  settle();
  if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: replayPlanJson(chosen) }));
  else if (!options.quiet) terminal.out(replayPlanText(chosen).join('\n'));
  return EXIT.done;
}
