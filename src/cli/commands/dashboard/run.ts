import { once } from 'node:events';
import { openRuntime } from '../../../app/runtime.ts';
import { loadConfig } from '../../../config/load-config.ts';
import { AppError } from '../../../core/errors.ts';
import { printable } from '../../../core/text.ts';
import { type RunningDashboard, startDashboard } from '../../../dashboard/start.ts';
import { EXIT } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import { USER_AGENT } from '../../open-command.ts';
import type { Invocation, RunCommand } from '../../program/command.ts';
import { VERSION } from '../../program/version.ts';
import { dashboardJson } from './json.ts';
import type { dashboardSpec } from './spec.ts';

type Call = Invocation<typeof dashboardSpec>;

/** `recordupload dashboard`: in the foreground, until Ctrl-C. */
export const run: RunCommand<typeof dashboardSpec> = async call => {
  const { options, terminal, signal } = call;
  const { cwd, env } = terminal;
  const { readOnly = false, open: opensBrowser = true, json = false } = options;
  const load = () =>
    loadConfig({ cwd, env, configFile: options.config, flags: { 'dashboard.listen': options.listen } });
  const { config, warnings } = await load();
  if (!json)
    for (const warning of warnings) terminal.err(`${terminal.paint.err.yellow('warning:')} ${printable(warning)}`);
  const parts = { env, userAgent: USER_AGENT, uploadSource: 'cli' };
  await using closing = new AsyncDisposableStack();
  const runtime = closing.use(openRuntime(config, { ...parts, signal }));
  const dashboard: RunningDashboard = await startDashboard({
    runtime,
    userAgent: USER_AGENT,
    readOnly,
    version: VERSION,
    openRuntime: async settings => openRuntime((await load()).config, { ...parts, ...settings }),
    loadConfig: () => load().catch(orProblem),
    onSignIn: () => {
      if (!json) terminal.err(`signed in; for another browser: ${dashboard.signInAddress()}`);
    },
  });
  closing.defer(() => dashboard.close());
  await announce(dashboard, { readOnly, opensBrowser }, call, closing);
  if (!signal.aborted) await once(signal, 'abort');
  terminal.err('');
  return EXIT.done;
};

async function announce(
  dashboard: RunningDashboard,
  { readOnly, opensBrowser }: { readOnly: boolean; opensBrowser: boolean },
  { options, terminal, command }: Call,
  closing: AsyncDisposableStack,
): Promise<void> {
  const { address, listensOn } = dashboard;
  const signInAddress = dashboard.signInAddress();
  if (options.json) {
    const result = dashboardJson({ address, listensOn, signInAddress, readOnly });
    terminal.document(jsonDocument(command, EXIT.done, { result }));
    return;
  }
  terminal.document(signInAddress);
  terminal.err(
    `the dashboard listens on ${listensOn}${readOnly ? ', read-only' : ''}; the address signs in once. Ctrl-C ends it.`,
  );
  if (!opensBrowser || !terminal.live) return;
  const { openBrowser } = await import('./open-browser.ts');
  closing.defer(await openBrowser(signInAddress, terminal.env));
}

/** A configuration that is wrong is a finding of the doctor. */
function orProblem(error: unknown): AppError {
  if (error instanceof AppError) return error;
  throw error;
}
