import type { WithoutState } from '../app/open-state.ts';
import { openRuntime, type Runtime } from '../app/runtime.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Endpoint } from '../core/webhook/endpoint.ts';
import { type Invocation, textOption } from './program/command.ts';
import { VERSION } from './program/version.ts';
import { printable } from './terminal/format.ts';
import { createProgress, createQuietProgress, type LiveBlock, type Progress } from './terminal/progress.ts';
import { createJsonProgress } from './terminal/progress-json.ts';
import type { Terminal } from './terminal/terminal.ts';

/** What a command works with: the application's parts, wired, and its own display. Close it at the end. */
export interface Workspace
  extends Pick<Runtime, 'config' | 'clock' | 'random' | 'observer' | 'state' | 'uploads' | 'delivery' | 'poster'> {
  runtime: Runtime;
  /** Ends the live display, so that text can follow. */
  settle(): void;
  close(): Promise<void>;
}

/** Options on the command line that are configuration, and their keys. */
const CONFIGURING_OPTIONS = { bwlimit: 'bwlimit', concurrency: 'concurrency' } as const;

/**
 * Loads the configuration and prepares the rest.
 * @param settings.withoutState what happens where the state cannot be used; unless given, `state()` throws
 * @param settings.opening what is about to happen: on a terminal it is said at once
 * @throws AppError `CONFIG`
 */
export async function openWorkspace(
  { options, terminal, signal }: Invocation,
  { withoutState, opening }: { withoutState?: WithoutState; opening?: string } = {},
): Promise<Workspace> {
  const quiet = Boolean(options.quiet || options.json);
  const redrawn = terminal.live && !quiet && options.progress === undefined;
  if (redrawn && opening !== undefined) terminal.err(printable(opening));
  // Loaded beside the rest: nothing waits for it.
  const block = redrawn ? liveBlock(terminal) : undefined;
  const sandbox = options.sandbox ? await startOwnSandbox(terminal) : undefined;
  const { config, warnings } = await loadConfig({
    cwd: sandbox?.folder ?? terminal.cwd,
    env: sandbox?.env ?? terminal.env,
    configFile: sandbox ? undefined : textOption(options, 'config'),
    flags: flagsOf(options),
  });
  const progress = await progressOf(options, terminal, block);
  const runtime = openRuntime(config, {
    env: sandbox?.env ?? terminal.env,
    userAgent: `recordupload/${VERSION}`,
    uploadSource: 'cli',
    signal,
    observer: progress.observe,
    // A dry run writes nothing.
    log: !options.dryRun,
    withoutState,
    trace: options.verbose ? progress.trace : undefined,
  });
  for (const message of warnings) runtime.observer({ type: 'warning', message });
  return {
    runtime,
    config,
    clock: runtime.clock,
    random: runtime.random,
    observer: runtime.observer,
    settle: () => progress.stop(),
    state: runtime.state,
    uploads: runtime.uploads,
    poster: runtime.poster,
    delivery: runtime.delivery,
    async close() {
      progress.stop();
      await runtime[Symbol.asyncDispose]();
      await sandbox?.close();
    },
  };
}

/** The endpoints that are meant: all, or the one named. */
export function chosenEndpoints(
  config: Config,
  name: string | undefined,
  fail: (message: string, hint: string) => Error,
): Endpoint[] {
  if (name === undefined) return config.webhooks;
  const chosen = config.webhooks.filter(endpoint => endpoint.name === name);
  if (chosen.length > 0) return chosen;
  throw fail(
    `--endpoint: there is no endpoint ${JSON.stringify(name)}`,
    `configured: ${config.webhooks.map(one => one.name).join(', ')}`,
  );
}

function flagsOf(options: Invocation['options']): Record<string, unknown> {
  const flags: Record<string, unknown> = {};
  for (const [option, key] of Object.entries(CONFIGURING_OPTIONS)) {
    const text = textOption(options, option);
    if (text !== undefined) flags[key] = option === 'concurrency' && /^\d+$/.test(text) ? Number(text) : text;
  }
  return flags;
}

/** Who shows what is going on: a person's terminal, plain lines, lines of JSON, or nobody. */
async function progressOf(
  { quiet, json, progress, verbose }: Invocation['options'],
  terminal: Terminal,
  block: Promise<LiveBlock> | undefined,
): Promise<Progress> {
  if (progress === 'json') return createJsonProgress(terminal.err);
  if (!quiet && !json) return createProgress(terminal, await block);
  return createQuietProgress(terminal, { verbose: Boolean(verbose) });
}

async function liveBlock(terminal: Terminal) {
  const { createLiveBlock } = await import('./terminal/live-block.ts');
  return createLiveBlock(terminal);
}

async function startOwnSandbox(terminal: Terminal) {
  const { openOwnSandbox } = await import('./own-sandbox.ts');
  return openOwnSandbox(terminal);
}
