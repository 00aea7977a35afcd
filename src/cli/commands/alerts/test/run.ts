import { testAlerts } from '../../../../app/alerts/test-alerts.ts';
import { EXIT } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import { openCommand } from '../../../open-command.ts';
import type { RunCommand } from '../../../program/command.ts';
import { alertsTestJson } from './json.ts';
import type { alertsTestSpec } from './spec.ts';
import { testLine } from './text.ts';

/** `recordupload alerts test` */
export const run: RunCommand<typeof alertsTestSpec> = async call => {
  const { options, terminal, command } = call;
  const { out, err, document, paint } = terminal;
  await using open = await openCommand(call, { opening: 'sending a test message' });
  const tests = await testAlerts(open.runtime);
  open.settle();
  const failed = tests.filter(({ ok }) => !ok);
  const exitCode = failed.length === 0 ? EXIT.done : EXIT.webhook;
  if (options.json) document(jsonDocument(command, exitCode, { result: alertsTestJson(tests) }));
  else if (!options.quiet) out(tests.map(test => testLine(test, paint.out)).join('\n'));
  else if (failed.length > 0)
    err(failed.map(test => `recordupload alerts test: ${testLine(test, paint.err)}`).join('\n'));
  return exitCode;
};
