import { relative } from 'node:path';
import { loadConfig } from '../../config/load-config.ts';
import { machineOf, userFolders } from '../../config/paths.ts';
import { AppError } from '../../core/errors.ts';
import { collectAnswers } from '../config-answers.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import type { Invocation, RunCommand } from '../program/command.ts';
import { printable } from '../terminal/format.ts';
import { projectPlace, refuseExisting, userPlace, writeConfig } from '../write-config.ts';

/** `recordupload config init` */
export const run: RunCommand = async invocation => {
  const { options, terminal, command } = invocation;
  const { cwd, env, out, document, err, paint } = terminal;
  const force = Boolean(options.force);
  const place = options.user ? userPlace(userFolders(machineOf(env)).config) : projectPlace(cwd);
  await refuseExisting(place, { force });
  const answers = await collectAnswers(invocation);
  const files = await writeConfig(place, answers, { force });
  const problems = await problemsOf(invocation);

  if (options.json && !options.test) document(jsonDocument(command, EXIT.done, { result: { files, problems } }));
  else if (!options.json && !options.quiet) {
    for (const file of files) out(`${paint.out.green('✔')} ${printable(shown(file, cwd))} (only you can read it)`);
    if (!options.user && answers.secrets.size > 0) out('  keep .recordupload-* out of version control');
  }
  for (const problem of options.json ? [] : problems) {
    err(`${paint.err.yellow('warning:')} ${printable(problem)}`);
  }
  const exitCode = options.test ? await test(invocation) : EXIT.done;
  if (exitCode === EXIT.done && !options.json && !options.quiet) {
    out(`next: ${options.test ? '' : 'recordupload webhook test, then '}recordupload upload <dir> --dry-run`);
  }
  return exitCode;
};

function shown(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path;
}

/** What the new file does together with the others: `WEBHOOK_TOKEN` beside a token file is an error, for instance. */
async function problemsOf({ terminal: { cwd, env } }: Invocation): Promise<string[]> {
  try {
    return (await loadConfig({ cwd, env })).warnings;
  } catch (error) {
    if (error instanceof AppError) return error.message.split('\n');
    throw error;
  }
}

/** The same as `recordupload webhook test`. */
async function test(invocation: Invocation): Promise<ExitCode> {
  const { run } = await import('./webhook-test.ts');
  const { json, quiet } = invocation.options;
  return await run({ ...invocation, command: 'webhook test', args: [], options: { json, quiet } });
}
