import { randomBytes, randomUUID } from 'node:crypto';
import { requireToken } from '../../config/requirements.ts';
import { AppError } from '../../core/errors.ts';
import { parseOverrides } from '../../core/recording/read-recording.ts';
import { idForPayload, parseRecordingId } from '../../core/recording/recording.ts';
import type { Endpoint } from '../../core/webhook/endpoint.ts';
import { testEndpoint, type WebhookCheck } from '../../core/webhook/test-endpoint.ts';
import { testPayload } from '../../core/webhook/test-payload.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { type Invocation, type RunCommand, textOption } from '../program/command.ts';
import { VERSION } from '../program/version.ts';
import { checkText } from '../render-webhook-test.ts';
import { printable } from '../terminal/format.ts';
import { chosenEndpoints, openWorkspace, type Workspace } from '../workspace.ts';

/** `recordupload webhook test` */
export const run: RunCommand = async invocation => {
  const workspace = await openWorkspace(invocation, { opening: 'testing the webhook' });
  try {
    return await test(invocation, workspace);
  } finally {
    await workspace.close();
  }
};

async function test(invocation: Invocation, workspace: Workspace): Promise<ExitCode> {
  const { options, terminal, command, signal } = invocation;
  const { clock } = workspace;
  const endpoints = tested(invocation, workspace);
  const payload = payloadOf(invocation, workspace);
  const unauthorized = Boolean(options.unauthorized);
  // What can be wrong is said before anything is sent.
  if (!unauthorized) for (const endpoint of endpoints) requireToken(endpoint);
  const { post } = await workspace.poster();
  const deps = {
    post,
    clock,
    signal,
    userAgent: `recordupload/${VERSION}`,
    newId: () => `msg_${randomUUID().replaceAll('-', '')}`,
    newToken: () => randomBytes(24).toString('hex'),
  };

  const checks: WebhookCheck[] = [];
  for (const endpoint of endpoints) {
    for (const check of await testEndpoint(endpoint, payload, { unauthorized }, deps)) {
      checks.push(check);
      if (!options.json && !options.quiet) terminal.out(checkText(check, terminal.paint.out).join('\n'));
    }
  }
  const good = checks.length > 0 && checks.every(check => check.ok);
  const exitCode = good ? EXIT.done : EXIT.webhook;
  const verdict = good ? 'The webhook integration works.' : 'The webhook integration does not work yet.';
  if (options.json) terminal.document(jsonDocument(command, exitCode, { result: { works: good, checks } }));
  else if (!options.quiet) terminal.out(terminal.paint.out.bold(verdict));
  else if (!good)
    terminal.err(
      `recordupload webhook test: ${printable(checks.find(check => !check.ok)?.verdict ?? verdict)}; next: recordupload webhook test`,
    );
  return exitCode;
}

/**
 * Those that webhooks go to. One that the configuration switches off is tested where it is named: to see whether it
 * works before it is switched on. What the state says (disabled by a 410) does not matter for the same reason.
 */
function tested({ options }: Invocation, { config, observer }: Workspace): Endpoint[] {
  const name = textOption(options, 'endpoint');
  const chosen = chosenEndpoints(config, name, (message, hint) => new AppError('USAGE', message, { hint }));
  if (name !== undefined) return chosen;
  const enabled = chosen.filter(endpoint => endpoint.enabled);
  for (const endpoint of chosen) {
    if (enabled.includes(endpoint)) continue;
    observer({
      type: 'warning',
      message: `endpoint ${endpoint.name} is switched off in the configuration: not tested`,
    });
  }
  if (enabled.length > 0) return enabled;
  throw new AppError('CONFIG', 'no endpoint is switched on in the configuration', { hint: 'name one with --endpoint' });
}

function payloadOf({ options }: Invocation, { config, clock }: Workspace): string {
  const { email } = parseOverrides({ email: textOption(options, 'email') });
  const address = email ?? config.user.email;
  if (!address && !options.unauthorized) {
    throw new AppError('CONFIG', 'no e-mail address for the test payload', {
      hint: 'give --email, or set user.email (RECORDUPLOAD_USER_EMAIL)',
    });
  }
  const id = textOption(options, 'id');
  return testPayload({
    ...(id !== undefined && { recordingId: idForPayload(parseRecordingId(id, '--id', 'USAGE')) }),
    user: { username: config.user.name, email: address ?? 'nobody@example.com' },
    createdAtMs: clock.now(),
  });
}
