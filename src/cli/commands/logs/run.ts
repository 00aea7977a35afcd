import { followLines, type LogRequest, readLog } from '../../../app/logs/read-log.ts';
import { refuseUnknownId } from '../../../app/logs/unknown-id.ts';
import { fleetOf } from '../../../app/open-fleet.ts';
import { loadConfig } from '../../../config/load-config.ts';
import { firstLook } from '../../../core/first-look.ts';
import { printable, printableJson } from '../../../core/text.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import { USER_AGENT } from '../../open-command.ts';
import type { Invocation, RunCommand } from '../../program/command.ts';
import { logJson, logLineJson } from './json.ts';
import type { logsSpec } from './spec.ts';
import { logLineText } from './text.ts';

type Call = Invocation<typeof logsSpec>;

const DEFAULT_LINES = 50;

/** `recordupload logs` */
export const run: RunCommand<typeof logsSpec> = async call => {
  const { options, terminal } = call;
  const { cwd, env } = terminal;
  const { config, warnings } = await loadConfig({ cwd, env, configFile: options.config, withoutSecrets: true });
  if (!options.json && !options.quiet)
    for (const warning of warnings) terminal.err(`${terminal.paint.err.yellow('warning:')} ${printable(warning)}`);
  const { id, level, lines: limit = DEFAULT_LINES } = options;
  await firstLook(config.logFile);
  const request = { file: config.logFile, limit, id, level };
  // With `--follow`, the recording may yet come.
  if (id !== undefined && !options.follow) {
    const { logFile: file, stateDir } = config;
    await refuseUnknownId({ file, stateDir, fleet: fleetOf(config, USER_AGENT), id });
  }
  return await (options.follow ? follow : show)(request, call);
};

function show(request: LogRequest, call: Call): ExitCode {
  const { options, terminal, command } = call;
  const log = readLog(request);
  if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: logJson(log) }));
  else {
    for (const line of log.lines) print(line, call);
    if (!log.exists) sayMissing(log.file, call);
  }
  return EXIT.done;
}

/** `--follow`: with `--json`, one line of JSON for each line of the log. */
async function follow(request: LogRequest, call: Call): Promise<ExitCode> {
  let isFirst = true;
  for await (const { file, exists, lines } of followLines(request, call.signal)) {
    for (const line of lines) print(line, call);
    if (isFirst && !exists) sayMissing(file, call);
    isFirst = false;
  }
  return EXIT.done;
}

function print(line: string, { options, terminal }: Call): void {
  if (options.json) terminal.document(printableJson(logLineJson(line)));
  else terminal.out(logLineText(line, terminal.paint.out));
}

function sayMissing(file: string, { options, terminal }: Call): void {
  if (options.json || options.quiet) return;
  terminal.err(`no log yet: ${printable(file)} is written once something is uploaded`);
}
