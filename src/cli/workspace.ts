import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import { requireCredentials } from '../config/requirements.ts';
import { type Clock, type Random, systemClock } from '../core/clock.ts';
import type { DeliverDeps } from '../core/delivery/deliver-webhooks.ts';
import { type Outbox, openOutbox } from '../core/delivery/outbox.ts';
import type { CoreEvent, Observer } from '../core/events.ts';
import type { UploadDeps } from '../core/upload/upload-recording.ts';
import type { Endpoint } from '../core/webhook/endpoint.ts';
import type { Poster } from '../core/webhook/post-webhook.ts';
import type { Database } from '../state/sqlite/database.ts';
import { openRecordingStore, type RecordingStore } from '../state/sqlite/recording-store.ts';
import { openState, type WithoutState } from './open-state.ts';
import { type Invocation, textOption } from './program/command.ts';
import { VERSION } from './program/version.ts';
import { printable } from './terminal/format.ts';
import { createProgress, type LiveBlock, type Progress, silentProgress, traceLine } from './terminal/progress.ts';
import { createJsonProgress } from './terminal/progress-json.ts';
import type { Terminal } from './terminal/terminal.ts';
import { traceBucket, tracePost } from './trace.ts';

/**
 * The composition root: everything a command works with, made from its configuration, each part when it is first asked
 * for. Close it at the end.
 */
export interface Workspace {
  config: Config;
  clock: Clock;
  random: Random;
  /** Tells the terminal and the log. */
  observer: Observer;
  /** Ends the live display, so that text can follow. */
  settle(): void;
  state(): State;
  /** What uploads need; loads the S3 client. */
  uploads(): Promise<UploadDeps>;
  /** What sending webhooks needs; loads the HTTP client. */
  delivery(): Promise<Omit<DeliverDeps, 'endpoints'>>;
  poster(): Promise<Poster>;
  close(): Promise<void>;
}

export interface State {
  database: Database;
  recordings: RecordingStore;
  outbox: Outbox;
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
  { withoutState = 'refuse', opening }: { withoutState?: WithoutState; opening?: string } = {},
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
  const warn = (message: string) => observer({ type: 'warning', message });
  const unlogged: CoreEvent[] = [];
  let logLine: Observer = event => {
    unlogged.push(event);
  };
  const observer: Observer = event => {
    progress.observe(event);
    if (event.type !== 'file-progress' && event.type !== 'file-started') logLine(event);
  };
  // Loaded beside the work: nothing waits for the log. A dry run writes none.
  const openLog = async () => {
    const log = await import('./log.ts');
    const { observe } = log.openLog(config.logFile, message => terminal.err(`warning: ${message}`));
    for (const event of unlogged.splice(0)) observe(event);
    logLine = observe;
  };
  const logging = options.dryRun ? Promise.resolve() : openLog();
  for (const warning of warnings) warn(warning);

  const closers: (() => void | Promise<void>)[] = [];
  const state = lazily(() => {
    // Said in any case: `--quiet` is for success, and something may have been lost.
    const tell = (message: string) => {
      warn(message);
      if (quiet && options.progress !== 'json') terminal.err(`warning: ${printable(message)}`);
    };
    const database = openState(config.stateDir, { withoutState, warn: tell });
    closers.push(() => database.close());
    return { database, recordings: openRecordingStore(database, process.pid), outbox: openOutbox(database) };
  });
  const poster = lazily(async () => {
    const { createPoster } = await import('../core/webhook/post-webhook.ts');
    const made = createPoster({
      userAgent: `recordupload/${VERSION}`,
      ca: config.caFile && readFileSync(config.caFile, 'utf8'),
      proxyEnv: terminal.env,
    });
    closers.push(() => made.close());
    return options.verbose ? { ...made, post: tracePost(made.post, progress.trace) } : made;
  });
  const uploads = lazily(async () => {
    const credentials = requireCredentials(config);
    const { openUploads } = await import('../app/open-uploads.ts');
    const { recordings, outbox } = state();
    const { session, close } = openUploads(
      { ...config, credentials },
      { env: terminal.env, signal, observer, recordings },
    );
    closers.push(close);
    const bucket = options.verbose ? traceBucket(session.bucket, progress.trace) : session.bucket;
    return { ...session, bucket, deliveries: outbox.deliveries };
  });

  return {
    config,
    clock: systemClock,
    random: Math.random,
    observer,
    settle: () => progress.stop(),
    state,
    uploads,
    poster,
    delivery: async () => ({
      outbox: state().outbox,
      post: (await poster()).post,
      clock: systemClock,
      random: Math.random,
      observer,
      signal,
      concurrency: config.webhookConcurrency,
    }),
    async close() {
      progress.stop();
      await logging;
      for (const close of closers.reverse()) await close();
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

/** Makes it when it is first asked for, once. */
function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Who shows what is going on: a person's terminal, plain lines, lines of JSON, or nobody. */
async function progressOf(
  { quiet, json, progress, verbose }: Invocation['options'],
  terminal: Terminal,
  block: Promise<LiveBlock> | undefined,
): Promise<Progress> {
  if (progress === 'json') return createJsonProgress(terminal.err);
  if (!quiet && !json) return createProgress(terminal, await block);
  // stdout has the document alone; requests that were asked for are for people.
  return verbose ? { ...silentProgress, trace: request => terminal.err(traceLine(request, terminal)) } : silentProgress;
}

async function liveBlock(terminal: Terminal) {
  const { createLiveBlock } = await import('./terminal/live-block.ts');
  return createLiveBlock(terminal);
}

async function startOwnSandbox(terminal: Terminal) {
  const { openOwnSandbox } = await import('./own-sandbox.ts');
  return openOwnSandbox(terminal);
}
