import { type Area, type Check, type CheckResult, runChecks } from '../../app/doctor/check.ts';
import { type LoadedConfig, loadConfig } from '../../config/load-config.ts';
import { AppError } from '../../core/errors.ts';
import { brokenConfigCheck, checksFor, nodeCheck } from '../doctor-checks.ts';
import { EXIT, type ExitCode, heaviest } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import type { OwnSandbox } from '../own-sandbox.ts';
import { type Invocation, type RunCommand, textOption } from '../program/command.ts';
import { findingLines, verdictText } from '../render-doctor.ts';
import { count, printable } from '../terminal/format.ts';

const EXIT_OF_AREA: Record<Area, ExitCode> = {
  setup: EXIT.usage,
  state: EXIT.incomplete,
  storage: EXIT.incomplete,
  webhook: EXIT.webhook,
};

/** `recordupload doctor` */
export const run: RunCommand = async invocation => {
  const { options, terminal } = invocation;
  if (terminal.live && !options.quiet && !options.json) {
    terminal.err('examining this machine, the bucket and the recordings server; at most 10 s');
  }
  const sandbox = options.sandbox ? await (await import('../own-sandbox.ts')).openOwnSandbox(terminal) : undefined;
  try {
    return await examine(invocation, await checksOf(invocation, sandbox));
  } finally {
    await sandbox?.close();
  }
};

async function checksOf({ options, terminal }: Invocation, sandbox: OwnSandbox | undefined): Promise<Check[]> {
  const env = sandbox?.env ?? terminal.env;
  let loaded: LoadedConfig;
  try {
    loaded = await loadConfig({
      cwd: sandbox?.folder ?? terminal.cwd,
      env,
      configFile: sandbox ? undefined : textOption(options, 'config'),
    });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [nodeCheck, brokenConfigCheck(error)];
  }
  return [nodeCheck, ...checksFor(loaded, { env, webhookTest: Boolean(options.webhookTest) })];
}

async function examine({ options, terminal, command, signal }: Invocation, checks: Check[]): Promise<ExitCode> {
  const { out, document, err, paint } = terminal;
  const isShown = !options.json && !options.quiet;
  const results = await runChecks(checks, { signal }, some => {
    if (isShown) for (const one of some) out(findingLines(one, paint.out).join('\n'));
  });
  const failed = results.filter(one => one.status === 'failure');
  const exitCode = heaviest(failed.map(one => EXIT_OF_AREA[one.area]));
  if (options.json) {
    const healthy = failed.length === 0;
    document(jsonDocument(command, exitCode, { result: { healthy, checks: results.map(toJson) } }));
  } else if (isShown) {
    out(paint.out.bold(verdictText(results)));
  } else if (failed[0]) {
    const { name, detail } = failed[0];
    const more = failed.length > 1 ? ` (and ${count(failed.length - 1, 'further failure')})` : '';
    err(`recordupload doctor: ${printable(name)}: ${printable(detail)}${more}; next: recordupload doctor`);
  }
  return exitCode;
}

function toJson({ name, area, status, detail, mend, more }: CheckResult) {
  return { name, area, status, detail, ...(mend && { mend }), ...(more && { more }) };
}
