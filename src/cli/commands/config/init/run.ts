import { relative } from 'node:path';
import { loadConfig } from '../../../../config/load-config.ts';
import { machineOf, userFolders } from '../../../../config/paths.ts';
import { readNamedFile } from '../../../../config/trust/folder-files.ts';
import { trustFiles } from '../../../../config/trust/trusted-files.ts';
import { AppError } from '../../../../core/errors.ts';
import { printable } from '../../../../core/text.ts';
import { EXIT, type ExitCode } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import type { Invocation, RunCommand } from '../../../program/command.ts';
import { collectAnswers } from './answers.ts';
import type { WrittenJson } from './json.ts';
import type { configInitSpec } from './spec.ts';
import { projectPlace, refuseExisting, userPlace, writeConfig } from './write-config.ts';

type Call = Invocation<typeof configInitSpec>;

/** `recordupload config init` */
export const run: RunCommand<typeof configInitSpec> = async call => {
  const { options, terminal, command } = call;
  const { cwd, env, out, document, err, paint } = terminal;
  const { force = false } = options;
  const place = options.user ? userPlace(userFolders(machineOf(env)).config) : projectPlace(cwd);
  await refuseExisting(place, { force });
  const answers = await collectAnswers(call);
  const files = await writeConfig(place, answers, { force });
  // It decides where the secrets go that were asked for: whoever wrote it here trusts it.
  if (!options.user)
    await trustFiles([await readNamedFile(files[0] ?? '', cwd, machineOf(env))], machineOf(env), Date.now());
  const problems = await problemsOf(call);
  const isShown = !options.json && !options.quiet;

  if (options.json && !options.test) {
    const result: WrittenJson = { files, problems };
    document(jsonDocument(command, EXIT.done, { result }));
  } else if (isShown) {
    for (const file of files) out(`${paint.out.green('✔')} ${printable(shown(file, cwd))} (only you can read it)`);
    if (!options.user && answers.secrets.size > 0) out('  keep .recordupload-* out of version control');
  }
  for (const problem of options.json ? [] : problems) {
    err(`${paint.err.yellow('warning:')} ${printable(problem)}`);
  }
  const exitCode = options.test ? await test(call) : EXIT.done;
  if (exitCode === EXIT.done && isShown) {
    out(`next: ${options.test ? '' : 'recordupload webhook test, then '}recordupload upload <dir> --dry-run`);
  }
  return exitCode;
};

function shown(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path;
}

/** What is wrong with the new file together with the others: `WEBHOOK_TOKEN` beside a token file, for example. */
async function problemsOf({ terminal: { cwd, env } }: Call): Promise<string[]> {
  try {
    return (await loadConfig({ cwd, env })).warnings;
  } catch (error) {
    if (error instanceof AppError) return error.message.split('\n');
    throw error;
  }
}

/** The same as `recordupload webhook test`. */
async function test({ options: { json, quiet }, terminal, commands, signal }: Call): Promise<ExitCode> {
  const { run } = await import('../../webhook/test/run.ts');
  return await run({ command: 'webhook test', args: [], options: { json, quiet }, terminal, commands, signal });
}
