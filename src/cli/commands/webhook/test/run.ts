import { type TestEndpointsReport, testEndpoints } from '../../../../app/test-endpoints.ts';
import { EXIT } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import { openCommand } from '../../../open-command.ts';
import type { RunCommand } from '../../../program/command.ts';
import { webhookTestJson } from './json.ts';
import type { webhookTestSpec } from './spec.ts';
import { checkText, failureText, verdictText } from './text.ts';

/** `recordupload webhook test` */
export const run: RunCommand<typeof webhookTestSpec> = async call => {
  const { options, terminal, command } = call;
  const { out, document, err, paint } = terminal;
  const isShown = !options.json && !options.quiet;
  await using open = await openCommand(call, { opening: 'testing the webhook' });
  const report: TestEndpointsReport = await testEndpoints(options, open.runtime, check => {
    open.settle();
    if (isShown) out(checkText(check, paint.out).join('\n'));
  });
  const exitCode = report.works ? EXIT.done : EXIT.webhook;
  if (options.json) document(jsonDocument(command, exitCode, { result: webhookTestJson(report) }));
  else if (isShown) out(paint.out.bold(verdictText(report)));
  else if (!report.works) err(failureText(report));
  return exitCode;
};
