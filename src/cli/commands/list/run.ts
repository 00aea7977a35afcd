import { listRecordings } from '../../../app/list.ts';
import { jsonDocument } from '../../json/document.ts';
import { openCommand } from '../../open-command.ts';
import type { RunCommand } from '../../program/command.ts';
import { parseMoment } from '../../terminal/moment.ts';
import { exitCodeOfDamage, reportDamage } from '../../text/damage.ts';
import { listJson } from './json.ts';
import type { listSpec } from './spec.ts';
import { listText } from './text.ts';

const DEFAULT_LIMIT = 20;

/** `recordupload list` */
export const run: RunCommand<typeof listSpec> = async call => {
  const { options, terminal, command } = call;
  // Looking leaves no trace: no log, no state.
  await using open = await openCommand(call, { log: false, withoutSecrets: true });
  const { state, machine, limit = DEFAULT_LIMIT } = options;
  const since =
    options.since === undefined ? undefined : parseMoment(options.since, '--since', open.runtime.clock.now());
  const report = await listRecordings({ state, machine, since, limit }, open.runtime);
  open.settle();
  const exitCode = options.json ? exitCodeOfDamage(report.damage) : reportDamage(report.damage, terminal);
  if (options.json) terminal.document(jsonDocument(command, exitCode, { result: listJson(report) }));
  else terminal.out(listText(report, limit).join('\n'));
  return exitCode;
};
