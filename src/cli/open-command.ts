import { dirname } from 'node:path';
import { refuseForeignLog } from '../app/observers/own-log.ts';
import type { WithoutState } from '../app/open-state.ts';
import { openRuntime, type Runtime } from '../app/runtime.ts';
import type { Config } from '../config/config.ts';
import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { AppError } from '../core/errors.ts';
import { firstLook } from '../core/first-look.ts';
import { printable } from '../core/text.ts';
import { keepLongRunsSmall } from './long-run.ts';
import { VERSION } from './program/version.ts';
import { createProgress, createQuietProgress, type LiveBlock, type Progress } from './terminal/progress.ts';
import { createJsonProgress } from './terminal/progress-json.ts';
import type { Terminal } from './terminal/terminal.ts';

/** What a command works with. Use it with `await using`: it closes everything, whatever happens. */
export interface OpenCommand extends AsyncDisposable {
  runtime: Runtime;
  /**
   * Reads the configuration again and makes another runtime of it, which the caller closes.
   * @throws AppError `CONFIG`
   */
  reopen(): Promise<Runtime>;
  /** Reads the configuration as it is now. @throws AppError `CONFIG` */
  load(): Promise<LoadedConfig>;
  /** Ends the live display, so that text can follow. */
  settle(): void;
}

/** Options of the command line that decide how a command works, whichever it is. */
interface SharedOptions {
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly verbose?: boolean | undefined;
  readonly progress?: 'json' | 'plain' | undefined;
  readonly sandbox?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly bwlimit?: string | undefined;
  readonly concurrency?: string | undefined;
  readonly bucket?: string | undefined;
  readonly endpointUrl?: string | undefined;
  readonly webhookUrl?: string | undefined;
}

interface Call {
  options: SharedOptions;
  terminal: Terminal;
  signal: AbortSignal;
}

export interface OpenSettings {
  /** What happens if the state cannot be used; `refuse` unless given. */
  withoutState?: WithoutState;
  /** What is about to happen, if it takes a while: a terminal shows it at once, and then the progress. */
  opening?: string | undefined;
  /** False: the command writes no log. */
  log?: boolean;
  /** The command only reads the state: what is wrong with secrets does not stop it. */
  withoutSecrets?: boolean;
  /** The payload's `upload_source` unless the configuration has one; `cli` unless given. */
  uploadSource?: string;
  /** Makes the progress, instead of the one that all commands have. */
  progress?: (terminal: Terminal, block: LiveBlock | undefined) => Progress;
}

/** The name that requests of the command line carry. */
export const USER_AGENT = `recordupload/${VERSION}`;

/**
 * Loads the configuration and prepares the rest; with `--sandbox`, starts the sandbox first.
 * @throws AppError `CONFIG`
 */
export async function openCommand(
  { options, terminal, signal }: Call,
  { withoutState, opening, log = true, withoutSecrets = false, uploadSource = 'cli', progress: own }: OpenSettings = {},
): Promise<OpenCommand> {
  const isQuiet = Boolean(options.quiet || options.json);
  const isRedrawn = opening !== undefined && terminal.live && !isQuiet && options.progress === undefined;
  if (isRedrawn) terminal.err(printable(opening));
  // Loaded beside the rest: nothing waits for it.
  const block = isRedrawn ? liveBlock(terminal) : undefined;
  if (options.sandbox) refuseTarget(options);
  await using closing = new AsyncDisposableStack();
  const sandbox = options.sandbox ? await startOwnSandbox(terminal) : undefined;
  if (sandbox) closing.defer(() => sandbox.close());
  const { cwd, env } = sandbox ? { cwd: sandbox.folder, env: sandbox.env } : terminal;
  const configFile = sandbox ? undefined : options.config;
  const load = async () => await loadConfig({ cwd, env, configFile, flags: configFlags(options), withoutSecrets });
  const { config, warnings } = await load();
  // A dry run writes nothing.
  const writesLog = log && !options.dryRun;
  const refuseLog = async ({ logFile }: Config) => {
    if (!writesLog) return;
    if ((await firstLook(dirname(logFile))).isRemote) onRemoteDrive();
    await refuseForeignLog(logFile);
  };
  await refuseLog(config);
  const progress = own ? own(terminal, await block) : await openProgress(options, terminal, block);
  const observe = keepLongRunsSmall(progress.observe);
  const make = (config: Config) =>
    openRuntime(config, {
      env,
      userAgent: USER_AGENT,
      uploadSource,
      signal,
      observer: observe,
      log: writesLog,
      withoutState,
      onRemoteDrive,
      trace: options.verbose ? progress.trace : undefined,
    });
  const runtime = make(config);
  closing.use(runtime);
  const settle = () => progress.stop();
  closing.defer(settle);
  const warn = ({ observer }: Runtime, messages: readonly string[]) => {
    for (const message of messages) observer({ type: 'warning', message });
  };
  warn(runtime, warnings);
  const reopen = async () => {
    const again = await load();
    await refuseLog(again.config);
    const next = make(again.config);
    // What was said at the start is known.
    warn(
      next,
      again.warnings.filter(message => !warnings.includes(message)),
    );
    return next;
  };
  const all = closing.move();
  return { runtime, reopen, load, settle, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** @throws AppError `USAGE` if the options name a bucket or a server, although the sandbox brings its own */
function refuseTarget({ bucket, endpointUrl, webhookUrl }: SharedOptions): void {
  const given = Object.entries({ '--bucket': bucket, '--endpoint-url': endpointUrl, '--webhook-url': webhookUrl });
  const [flag] = given.find(([, value]) => value !== undefined) ?? [];
  if (flag === undefined) return;
  throw new AppError('USAGE', `${flag} does not go with --sandbox, which brings its own servers`, {
    hint: `leave out ${flag} or --sandbox`,
  });
}

/** Loaded only then: few have their folders on such a drive. */
function onRemoteDrive(): void {
  void import('./blocked-thread.ts').then(({ watchForBlockedThread }) => watchForBlockedThread());
}

/** The options that are configuration, by key. */
function configFlags({
  bwlimit,
  concurrency,
  bucket,
  endpointUrl,
  webhookUrl,
}: SharedOptions): Record<string, unknown> {
  return {
    bucket,
    endpoint: endpointUrl,
    'webhook.url': webhookUrl,
    bwlimit,
    concurrency: concurrency !== undefined && /^\d+$/.test(concurrency) ? Number(concurrency) : concurrency,
  };
}

/** What shows the progress: a person's terminal, plain lines, lines of JSON, or nothing. */
async function openProgress(
  { quiet, json, progress, verbose = false }: SharedOptions,
  terminal: Terminal,
  block: Promise<LiveBlock> | undefined,
): Promise<Progress> {
  if (progress === 'json') return createJsonProgress(terminal.err);
  if (quiet || json) return createQuietProgress(terminal, { verbose });
  return createProgress(terminal, await block);
}

async function liveBlock(terminal: Terminal) {
  const { createLiveBlock } = await import('./terminal/live-block.ts');
  return createLiveBlock(terminal);
}

async function startOwnSandbox(terminal: Terminal) {
  const { openOwnSandbox } = await import('./own-sandbox.ts');
  return openOwnSandbox(terminal);
}
