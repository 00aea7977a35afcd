import { relative } from 'node:path';
import { loadConfig } from '../../../../config/load-config.ts';
import { machineOf, userFolders } from '../../../../config/paths.ts';
import { readNamedFile } from '../../../../config/trust/folder-files.ts';
import { trustFiles } from '../../../../config/trust/trusted-files.ts';
import { AppError, InterruptedError } from '../../../../core/errors.ts';
import { printable } from '../../../../core/text.ts';
import { EXIT, type ExitCode } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import type { Invocation, RunCommand } from '../../../program/command.ts';
import { collectAnswers } from './answers.ts';
import { ignoreInGit } from './git-ignore.ts';
import type { WrittenJson } from './json.ts';
import type { configInitSpec } from './spec.ts';
import { projectPlace, refuseExisting, removeConfig, userPlace, writeConfig } from './write-config.ts';

type Call = Invocation<typeof configInitSpec>;

/** `recordupload config init` */
export const run: RunCommand<typeof configInitSpec> = async call => {
  const { options, terminal, command } = call;
  const { cwd, env, out, document, err, paint } = terminal;
  const { force = false } = options;
  if (options.here && options.user) {
    throw new AppError('USAGE', '--here and --user are two different folders', { hint: 'leave one of them out' });
  }
  const place = options.here ? projectPlace(cwd) : userPlace(userFolders(machineOf(env)).config);
  await refuseExisting(place, { force });
  const answers = await beforeWriting(() => collectAnswers(call), call);
  const files = await writeConfig(place, answers, { force });
  if (options.here) await trust(files, call);
  const ignored = await ignoreInGit(files.slice(1));
  const unignored = ignored?.ok === false ? [unignoredText(ignored)] : [];
  const problems = [...unignored, ...(await problemsOf(call))];
  const isShown = !options.json && !options.quiet;

  if (options.json && !options.test) {
    const result: WrittenJson = { files, gitignore: ignored?.ok ? ignored.file : null, problems };
    document(jsonDocument(command, EXIT.done, { result }));
  } else if (isShown) {
    for (const file of files) out(`${paint.out.green('✔')} ${printable(shown(file, cwd))} (only you can read it)`);
    if (ignored?.ok) out(`  ${printable(shown(ignored.file, cwd))} keeps the secrets out of git`);
  }
  for (const problem of options.json ? [] : problems) {
    err(`${paint.err.yellow('warning:')} ${printable(problem)}`);
  }
  const exitCode = options.test ? await afterWriting(() => test(call)) : EXIT.done;
  if (exitCode === EXIT.done && isShown) {
    out(`next: ${options.test ? '' : 'recordupload webhook test, then '}recordupload upload <dir> --dry-run`);
  }
  return exitCode;
};

/** The file decides where the secrets go that were asked for: whoever wrote it here trusts it. */
async function trust(files: readonly string[], { terminal: { cwd, env }, options }: Call): Promise<void> {
  try {
    await trustFiles([await readNamedFile(files[0] ?? '', cwd, machineOf(env))], machineOf(env), Date.now());
  } catch (error) {
    if (!options.force) await removeConfig(files);
    throw error;
  }
}

async function beforeWriting<T>(work: () => Promise<T>, { signal }: Pick<Call, 'signal'>): Promise<T> {
  return await withHint('nothing was written; run the same command again', async () => {
    const done = await work();
    signal.throwIfAborted();
    return done;
  });
}

async function afterWriting<T>(work: () => Promise<T>): Promise<T> {
  return await withHint('the configuration is written; to test it: recordupload webhook test', work);
}

/** An interruption here says what is true here: there is no progress that the same command could resume. */
async function withHint<T>(hint: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InterruptedError) throw new InterruptedError(error.signal, hint);
    throw error;
  }
}

function unignoredText({ file, why }: { file: string; why: string }): string {
  return `${file} could not be written (${why}): keep the secrets' files out of git yourself`;
}

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
