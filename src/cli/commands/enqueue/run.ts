import { enqueue } from '../../../app/enqueue.ts';
import { nothingEnqueued } from '../../../app/nothing-enqueued.ts';
import { AppError } from '../../../core/errors.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { errorLine } from '../../failure.ts';
import { jsonDocument } from '../../json/document.ts';
import { openCommand } from '../../open-command.ts';
import type { Invocation, RunCommand } from '../../program/command.ts';
import { enqueueJson } from './json.ts';
import type { enqueueSpec } from './spec.ts';
import { enqueueText } from './text.ts';

type Call = Pick<Invocation<typeof enqueueSpec>, 'args' | 'options' | 'terminal' | 'command' | 'signal'>;

/** `recordupload enqueue <dir...>` */
export const run: RunCommand<typeof enqueueSpec> = call => handOver(call);

/** The same for `upload --detach`. */
export async function handOver({ args, options, terminal, command, signal }: Call): Promise<ExitCode> {
  // Nothing is sent, so what is wrong with secrets is for the process that uploads.
  const opening = openCommand({ options, terminal, signal }, { withoutSecrets: true });
  await using open = await opening.catch((error: unknown) => {
    throw error instanceof AppError ? nothingEnqueued(error) : error;
  });
  const { recursive, id, title, email, username, createdAt, duration, webhook, force, finished } = options;
  const said = { id, title, email, username, createdAt, durationSeconds: duration };
  const report = await enqueue({ dirs: args, recursive, ...said, webhook, force, finished }, open.runtime);
  open.settle();
  const refused = report.folders.filter(folder => !folder.ok);
  const exitCode = refused.length > 0 ? EXIT.usage : EXIT.done;
  if (options.json) {
    terminal.document(jsonDocument(command, exitCode, { result: enqueueJson(report) }));
    return exitCode;
  }
  const lines = enqueueText(report, terminal.paint.out);
  if (!options.quiet && lines.length > 0) terminal.out(lines.join('\n'));
  for (const { error } of refused) terminal.err(errorLine(error, terminal, 'not enqueued: '));
  return exitCode;
}
