import { forecastLocal, removeLocal } from '../../../app/cleanup/local.ts';
import { prune } from '../../../app/cleanup/state.ts';
import { cleanUp } from '../../../app/cleanup/uploads.ts';
import { AppError } from '../../../core/errors.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import { localJson } from '../../json/local.ts';
import { pruneJson } from '../../json/prune.ts';
import { openCommand } from '../../open-command.ts';
import type { Invocation, RunCommand } from '../../program/command.ts';
import { localText } from '../../text/local.ts';
import { DEFAULT_PRUNE_AGE_MS, pruneText } from '../../text/prune.ts';
import { cleanupJson, forecastJson } from './json.ts';
import type { CLEANUP_WORDS, cleanupSpec } from './spec.ts';
import { cleanupText, forecastText } from './text.ts';

const DEFAULT_AGE_MS = 7 * 86_400_000;

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** As `--older-than` takes it: `7d`, `90m`. */
function ageText(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms > 0 && ms % size === 0) ?? ['s', 1_000];
  return `${ms / size}${unit}`;
}

type Call = Invocation<typeof cleanupSpec>;
type Word = (typeof CLEANUP_WORDS)[number];

/** `recordupload cleanup [what]` */
export const run: RunCommand<typeof cleanupSpec> = async call => {
  const word = call.args[0] as Word | undefined;
  refuseOptions(word, call);
  // Before there were words, `cleanup --yes` deleted uploads, and nothing else.
  const what = word ?? (call.options.yes ? 'uploads' : 'all');
  return await { uploads, state, local, all }[what](call);
};

function refuseOptions(word: Word | undefined, { options: { yes, dryRun, elsewhere } }: Call): void {
  if (yes && dryRun) {
    throw new AppError('USAGE', '--yes does not go with --dry-run', { hint: 'leave out one of them' });
  }
  if (elsewhere && (word === 'state' || word === 'local')) {
    throw new AppError('USAGE', `--elsewhere does not go with "cleanup ${word}"`, {
      hint: 'it is about abandoned uploads: recordupload cleanup uploads --elsewhere',
    });
  }
}

/** The command line that deletes the uploads that were listed. */
function again({ args, options }: Call): string {
  const flags = [
    ...(options.elsewhere ? ['--elsewhere'] : []),
    ...(options.olderThan === undefined ? [] : ['--older-than', ageText(options.olderThan)]),
  ];
  const words = args[0] === undefined ? ['cleanup', ...flags, '--yes'] : ['cleanup', args[0], ...flags];
  return ['recordupload', ...words].join(' ');
}

function uploadsRequest({ olderThan: olderThanMs = DEFAULT_AGE_MS, elsewhere = false }: Call['options']) {
  return { olderThanMs, elsewhere };
}

async function uploads(call: Call): Promise<ExitCode> {
  const { options } = call;
  const request = uploadsRequest(options);
  await using open = await openCommand(call, { opening: 'looking for abandoned uploads in the bucket' });
  const report = await cleanUp({ ...request, remove: !options.dryRun }, open.runtime);
  open.settle();
  return print(call, EXIT.done, cleanupJson(report), cleanupText(report, { ...request, again: again(call) }));
}

async function state(call: Call): Promise<ExitCode> {
  const { olderThan: olderThanMs = DEFAULT_PRUNE_AGE_MS, dryRun = false } = call.options;
  await using open = await openCommand(call);
  const result = await prune({ olderThanMs, dryRun }, open.runtime);
  open.settle();
  return print(call, EXIT.done, pruneJson(result), pruneText(result));
}

async function local(call: Call): Promise<ExitCode> {
  const { olderThan: olderThanMs, dryRun = false } = call.options;
  await using open = await openCommand(call, { opening: 'comparing local files with the bucket' });
  const report = await removeLocal({ olderThanMs, dryRun, again: true, explain: true }, open.runtime);
  open.settle();
  const exitCode = report.stopped === undefined ? EXIT.done : EXIT.incomplete;
  return print(call, exitCode, localJson(report), localText(report));
}

/** What each would do. */
async function all(call: Call): Promise<ExitCode> {
  const { olderThan } = call.options;
  const request = uploadsRequest(call.options);
  await using open = await openCommand(call, { opening: 'looking for abandoned uploads in the bucket' });
  const { runtime } = open;
  const found = await cleanUp({ ...request, remove: false }, runtime);
  const settled = await prune({ olderThanMs: olderThan ?? DEFAULT_PRUNE_AGE_MS, dryRun: true }, runtime);
  const forecast = await forecastLocal({ olderThanMs: olderThan }, runtime);
  open.settle();
  const json = { ...cleanupJson(found), state: pruneJson(settled), local: forecastJson(forecast) };
  return print(call, EXIT.done, json, [
    ...cleanupText(found, { ...request, again: again(call) }),
    ...pruneText(settled),
    ...forecastText(forecast),
  ]);
}

function print(
  { options, terminal, command }: Call,
  exitCode: ExitCode,
  result: object,
  lines: readonly string[],
): ExitCode {
  if (options.json) terminal.document(jsonDocument(command, exitCode, { result }));
  else if (!options.quiet) terminal.out(lines.join('\n'));
  else if (exitCode !== EXIT.done) terminal.err(lines.at(-1) ?? '');
  return exitCode;
}
