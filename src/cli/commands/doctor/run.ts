import type { Area } from '../../../app/doctor/check.ts';
import { examine } from '../../../app/doctor/examine.ts';
import { type LoadedConfig, loadConfig } from '../../../config/load-config.ts';
import { AppError } from '../../../core/errors.ts';
import { EXIT, type ExitCode, heaviest } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import { USER_AGENT } from '../../open-command.ts';
import type { Invocation, RunCommand } from '../../program/command.ts';
import { doctorJson } from './json.ts';
import type { doctorSpec } from './spec.ts';
import { failureText, findingLines, verdictText } from './text.ts';

type Call = Invocation<typeof doctorSpec>;

const EXIT_OF_AREA: Record<Area, ExitCode> = {
  setup: EXIT.usage,
  state: EXIT.incomplete,
  storage: EXIT.incomplete,
  webhook: EXIT.webhook,
};

/** `recordupload doctor` */
export const run: RunCommand<typeof doctorSpec> = async call => {
  const { options, terminal, command, signal } = call;
  const { out, document, err, paint } = terminal;
  const isShown = !options.json && !options.quiet;
  if (terminal.live && isShown) err('checking this machine, the bucket and the recordings server; at most 10 s');
  await using closing = new AsyncDisposableStack();
  const sandbox = options.sandbox ? await startOwnSandbox(call) : undefined;
  if (sandbox) closing.defer(() => sandbox.close());
  const { cwd, env } = sandbox ? { cwd: sandbox.folder, env: sandbox.env } : terminal;
  const config = await orProblem(() => loadConfig({ cwd, env, configFile: sandbox ? undefined : options.config }));
  const { webhookTest = false, machine } = options;
  const results = await examine({ config, env, userAgent: USER_AGENT, webhookTest, machine, signal }, some => {
    if (isShown) for (const one of some) out(findingLines(one, paint.out).join('\n'));
  });
  const failed = results.filter(one => one.status === 'failure');
  const exitCode = heaviest(failed.map(one => EXIT_OF_AREA[one.area]));
  if (options.json) document(jsonDocument(command, exitCode, { result: doctorJson(results) }));
  else if (isShown) out(paint.out.bold(verdictText(results)));
  else if (failed.length > 0) err(failureText(failed));
  return exitCode;
};

async function startOwnSandbox({ terminal }: Call) {
  const { openOwnSandbox } = await import('../../own-sandbox.ts');
  return await openOwnSandbox(terminal);
}

/** A configuration that is wrong is a finding, not a failure of the command. */
async function orProblem(load: () => Promise<LoadedConfig>): Promise<LoadedConfig | AppError> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}
