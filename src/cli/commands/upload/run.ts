import { planUpload } from '../../../app/plan-upload.ts';
import { type UploadFoldersRequest, uploadFolders } from '../../../app/upload-folders.ts';
import { AppError } from '../../../core/errors.ts';
import { EXIT, type ExitCode, heaviest } from '../../exit-codes.ts';
import { exitCodeOfSignal } from '../../failure.ts';
import { jsonDocument } from '../../json/document.ts';
import { type OpenCommand, openCommand } from '../../open-command.ts';
import type { Invocation, RunCommand } from '../../program/command.ts';
import { type PlanJson, planJson, type UploadResultJson } from './json.ts';
import type { uploadSpec } from './spec.ts';
import { type FolderSummary, summarize } from './summary.ts';
import { planText, totalText } from './text.ts';

type Call = Invocation<typeof uploadSpec>;

/** `recordupload upload <dir...>` */
export const run: RunCommand<typeof uploadSpec> = async call => {
  if (call.options.detach) return await detach(call);
  const opening = `uploading ${call.args.join(' ')}`;
  await using open = await openCommand(call, { withoutState: 'continue', opening });
  return call.options.dryRun ? await plan(call, open) : await upload(call, open);
};

async function upload(call: Call, { runtime, settle }: OpenCommand): Promise<ExitCode> {
  const summaries = await uploadFolders(requestOf(call), runtime, result => summarize(result, call));
  settle();
  const exitCode = heaviest([...summaries.map(summary => summary.exitCode), exitCodeOfSignal(call.signal)]);
  print(summaries, exitCode, call);
  return exitCode;
}

function requestOf({ args, options }: Call): UploadFoldersRequest {
  const { recursive, id, title, email, username, createdAt, duration, webhook, force, wait, finished } = options;
  return {
    dirs: args,
    recursive,
    id,
    title,
    email,
    username,
    createdAt,
    durationSeconds: duration,
    webhook,
    force,
    waitMs: wait === false ? 0 : wait === true ? undefined : wait,
    finished,
  };
}

function print(summaries: readonly FolderSummary[], exitCode: ExitCode, { command, options, terminal }: Call): void {
  if (options.json) {
    const recordings = summaries.flatMap(({ json }) => (json ? [json] : []));
    const result: UploadResultJson = { recordings };
    terminal.document(jsonDocument(command, exitCode, { result }));
    return;
  }
  for (const { out, err } of summaries) {
    if (out !== undefined) terminal.out(out);
    if (err !== undefined) terminal.err(err);
  }
  if (summaries.length > 1 && !options.quiet) terminal.out(terminal.paint.out.bold(totalText(summaries)));
}

/** Options that are about an upload by this process; the one that uploads later has its own configuration. */
const NOT_DETACHED = {
  dryRun: '--dry-run',
  strict: '--strict',
  wait: '--wait',
  sandbox: '--sandbox',
  bucket: '--bucket',
  endpointUrl: '--endpoint-url',
  webhookUrl: '--webhook-url',
  bwlimit: '--bwlimit',
  concurrency: '--concurrency',
} as const;

/** `--detach` */
async function detach(call: Call): Promise<ExitCode> {
  const given = Object.keys(NOT_DETACHED) as (keyof typeof NOT_DETACHED)[];
  const name = given.find(name => call.options[name] !== undefined);
  if (name !== undefined) {
    const flag = call.options[name] === false ? `--no-${name}` : NOT_DETACHED[name];
    throw new AppError(
      'USAGE',
      `${flag} cannot be used with --detach: another process uploads, with its configuration`,
      {
        hint: 'leave one of them out',
      },
    );
  }
  const { handOver } = await import('../enqueue/run.ts');
  return await handOver(call);
}

/** `--dry-run` */
async function plan(call: Call, { runtime, settle }: OpenCommand): Promise<ExitCode> {
  const { options, terminal, command } = call;
  const plans = await planUpload(requestOf(call), runtime);
  settle();
  if (options.json) {
    const result: PlanJson = { dryRun: true, recordings: plans.map(planJson) };
    terminal.document(jsonDocument(command, EXIT.done, { result }));
  } else for (const one of plans) terminal.out(planText(one, terminal.paint.out).join('\n'));
  return EXIT.done;
}
