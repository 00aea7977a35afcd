import { closeSync, openSync } from 'node:fs';
import { serviceManager } from '../../../app/watch/systemd.ts';
import { watch } from '../../../app/watch/watch.ts';
import { EXIT } from '../../exit-codes.ts';
import { type OpenCommand, openCommand } from '../../open-command.ts';
import type { Invocation, RunCommand } from '../../program/command.ts';
import { createProgress, createQuietProgress, type LiveBlock, type Progress } from '../../terminal/progress.ts';
import { createJsonProgress } from '../../terminal/progress-json.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { watchSpec } from './spec.ts';
import { watchLine } from './text.ts';

type Call = Invocation<typeof watchSpec>;

/** `recordupload watch [root...]`: until Ctrl-C or SIGTERM. */
export const run: RunCommand<typeof watchSpec> = async call => {
  const { args, signal } = call;
  const { terminal } = call;
  const progress = (_: Terminal, block: LiveBlock | undefined) => watchProgress(call, block);
  await using open = await openCommand(call, { opening: 'starting', uploadSource: 'watch', progress });
  const { runtime, reopen } = open;
  const manager = serviceManager(terminal.env);
  await using closing = new AsyncDisposableStack();
  if (call.options.dashboard) {
    const dashboard = await startDashboard(call, open);
    closing.defer(() => dashboard.close());
  }
  try {
    await watch({ roots: args, manager, onReload, reload: reopen }, runtime);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  }
  open.settle();
  runtime.observer({ type: 'notice', message: 'stopped; progress is saved' });
  return EXIT.done;
};

/** Its address goes to people alone: with the token in it, it is no matter for the log. */
async function startDashboard({ options, terminal }: Call, { runtime, load }: OpenCommand) {
  // A state of an older version is brought up to date first: the dashboard only reads.
  await runtime.state();
  const { serveDashboard } = await import('../../serve-dashboard.ts');
  const say = (text: string) => {
    if (!options.quiet) terminal.err(text);
  };
  const onNextAddress = (address: string) => say(`signed in; for another browser: ${address}`);
  const dashboard = await serveDashboard(runtime, { load, readOnly: false, onNextAddress });
  say(`the dashboard, for one sign-in: ${dashboard.signInAddress()}`);
  return dashboard;
}

function watchProgress({ options, terminal }: Call, block: LiveBlock | undefined): Progress {
  const { json, quiet, verbose = false, progress } = options;
  if (json) return createJsonProgress(terminal.document);
  if (progress === 'json') return createJsonProgress(terminal.err);
  if (!quiet) return createProgress(terminal, block, event => watchLine(event, terminal));
  const losses = createQuietProgress(terminal, { verbose });
  return {
    ...losses,
    observe(event) {
      const line =
        event.type === 'upload-refused' || event.type === 'upload-given-up' ? watchLine(event, terminal) : null;
      if (line) terminal.err(line);
      losses.observe(event);
    },
  };
}

/** SIGHUP asks for it, unless the terminal is gone, which sends one, too: then it ends the worker, as any other command. */
function onReload(onAsked: () => void): () => void {
  // There it is the window that closes.
  if (process.platform === 'win32') return () => {};
  const hadTerminal = hasTerminal();
  const onHangUp = () => {
    if (hadTerminal && !hasTerminal()) process.kill(process.pid, 'SIGTERM');
    else onAsked();
  };
  process.on('SIGHUP', onHangUp);
  return () => process.removeListener('SIGHUP', onHangUp);
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
