import { once } from 'node:events';
import { openRuntime } from '../../../app/runtime.ts';
import { loadConfig } from '../../../config/load-config.ts';
import { printable } from '../../../core/text.ts';
import type { RunningDashboard } from '../../../dashboard/start.ts';
import { EXIT } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import { USER_AGENT } from '../../open-command.ts';
import type { Invocation, RunCommand } from '../../program/command.ts';
import { serveDashboard } from '../../serve-dashboard.ts';
import { dashboardJson } from './json.ts';
import type { dashboardSpec } from './spec.ts';

type Call = Invocation<typeof dashboardSpec>;

/** `recordupload dashboard`: in the foreground, until Ctrl-C. */
export const run: RunCommand<typeof dashboardSpec> = async call => {
  const { options, terminal, signal } = call;
  const { cwd, env } = terminal;
  const { readOnly = false, json = false } = options;
  const load = () =>
    loadConfig({ cwd, env, configFile: options.config, flags: { 'dashboard.listen': options.listen } });
  const { config, warnings } = await load();
  if (!json)
    for (const warning of warnings) terminal.err(`${terminal.paint.err.yellow('warning:')} ${printable(warning)}`);
  await using closing = new AsyncDisposableStack();
  const runtime = closing.use(openRuntime(config, { env, userAgent: USER_AGENT, uploadSource: 'cli', signal }));
  const onNextAddress = (address: string) => {
    if (!json) terminal.err(`signed in; for another browser: ${address}`);
  };
  const dashboard = await serveDashboard(runtime, { load, readOnly, onNextAddress });
  closing.defer(() => dashboard.close());
  await announce(dashboard, call, closing);
  if (!signal.aborted) await once(signal, 'abort');
  return EXIT.done;
};

async function announce(
  dashboard: RunningDashboard,
  { options, terminal, command }: Call,
  closing: AsyncDisposableStack,
): Promise<void> {
  const { address, listensOn } = dashboard;
  const { readOnly = false, open: opensBrowser = true } = options;
  const signInAddress = dashboard.signInAddress();
  if (options.json) {
    const result = dashboardJson({ address, listensOn, signInAddress, readOnly });
    terminal.document(jsonDocument(command, EXIT.done, { result }));
    return;
  }
  terminal.document(signInAddress);
  const how = readOnly ? ', read-only' : '';
  terminal.err(`the dashboard listens on ${listensOn}${how}; the address signs in once. Ctrl-C ends it.`);
  if (!opensBrowser || !terminal.live) return;
  const { openBrowser } = await import('./open-browser.ts');
  closing.defer(await openBrowser(signInAddress, terminal.env));
}
