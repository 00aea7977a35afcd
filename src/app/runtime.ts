import type { Config } from '../config/config.ts';
import { requireCredentials } from '../config/requirements.ts';
import { readCaFile } from '../core/ca-file.ts';
import { type Clock, type Random, systemClock } from '../core/clock.ts';
import type { DeliverDeps } from '../core/delivery/deliver-webhooks.ts';
import type { AppError } from '../core/errors.ts';
import type { CoreEvent, Observer } from '../core/events.ts';
import { firstLook } from '../core/first-look.ts';
import { proxyFor } from '../core/http/proxies.ts';
import { createRedactor, type Redactor } from '../core/redact.ts';
import type { Bucket } from '../core/storage/bucket.ts';
import type { LinkSigner } from '../core/storage/links.ts';
import type { UploadSession } from '../core/upload/session.ts';
import type { Poster } from '../core/webhook/post-webhook.ts';
import type { DatabaseFacts, OpenOverview, State } from '../state/state.ts';
import { hasPlentyOfDescriptors, webhooksAtOnce } from './descriptors.ts';
import { knownSecrets } from './known-secrets.ts';
import type { Trace } from './observers/trace.ts';
import { fleetOf } from './open-fleet.ts';
import type { WithoutState } from './open-state.ts';

export interface RuntimeOptions {
  /** Where proxies and certificate authorities are looked up. */
  env: NodeJS.ProcessEnv;
  /** What the program calls itself in requests: `recordupload/<version>`. */
  userAgent: string;
  /** The payload's `upload_source` if the configuration has none. */
  uploadSource: string;
  /** Ends the work under way. What is done is kept. */
  signal?: AbortSignal | undefined;
  /** Gets what happens while it happens. Must not throw. */
  observer?: Observer | undefined;
  /** Write what happens into `config.logFile`. */
  log?: boolean;
  /** `refuse` unless given. */
  withoutState?: WithoutState | undefined;
  /** Gets each request to the bucket and the recordings server. */
  trace?: Trace | undefined;
  /** Called when something that is read or written turns out to be on a drive that may stop answering. */
  onRemoteDrive?: (() => void) | undefined;
  /** How long the recordings server may take to answer, instead of the contract's 30 s. */
  postTimeoutMs?: number | undefined;
}

/**
 * The composition root: everything that the use cases work with, made from a configuration, each part when it is first
 * asked for. Disposing of it waits for parts that are still being made, then closes all of them.
 */
export interface Runtime extends AsyncDisposable {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly userAgent: string;
  /** The payload's `upload_source`. */
  readonly uploadSource: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Passes events on to the caller's observer and, with `log`, to the log. */
  readonly observer: Observer;
  /** Knows all secrets of the run. */
  readonly redact: Redactor;
  /** Looks at a path before the main thread does, which a dead network drive would block. */
  firstLook(path: string): Promise<void>;
  /** @throws AppError `STATE` */
  state(): Promise<State>;
  /**
   * A state in memory, for recordings that the state failed to note.
   * @param error what it failed with; the first one is told
   * @throws the error if the run must not continue without its state
   */
  stateInstead(error: AppError): Promise<State>;
  /** The state for reading; undefined if there is none yet. The caller closes it. @throws AppError `STATE` */
  overview(): Promise<OpenOverview | undefined>;
  /** What the fleet's database is like; undefined: the state is a file of this machine. @throws AppError `STATE` */
  database(): Promise<DatabaseFacts | undefined>;
  /** What is wrong with the state's file; undefined if it is sound. Rejects with the signal's reason if it aborts. */
  stateFlaw(signal: AbortSignal): Promise<string | undefined>;
  /** What uploads need. @throws AppError `CONFIG` without access keys, `STATE` */
  uploads(): Promise<UploadSession>;
  /**
   * Starts the threads that hash a large file, if the state has to be made first: thread and state take 20 ms each. A state
   * that exists may know that the file is uploaded, and then no thread is needed.
   */
  prepareUpload(largestBytes: number): Promise<void>;
  /** The bucket, each request tried once. @throws AppError `CONFIG` without access keys */
  bucket(): Promise<Bucket>;
  /**
   * The same for a bucket that the state names, which may not be the configured one. The caller closes it.
   * @param target `<endpoint>/<bucket>`
   */
  bucketAt(target: string): Promise<Bucket>;
  /**
   * Makes links to objects of a bucket that the state names. The caller closes it.
   * @param target `<endpoint>/<bucket>`
   * @throws AppError `CONFIG` without access keys
   */
  linksAt(target: string): Promise<LinkSigner>;
  /** The webhook client. */
  poster(): Promise<Poster>;
  /** What sending webhooks needs, for all configured endpoints. @throws AppError `STATE` */
  delivery(): Promise<DeliverDeps>;
}

/** Makes a runtime; opens nothing yet. Use it with `await using`. */
export function openRuntime(config: Config, options: RuntimeOptions): Runtime {
  const { env, withoutState = 'refuse', trace } = options;
  const { machine } = config;
  const userAgent = machine ? `${options.userAgent} (${machine})` : options.userAgent;
  const signal = options.signal ?? new AbortController().signal;
  const secrets = knownSecrets(config, env);
  const redact = createRedactor(secrets);
  const closing = new AsyncDisposableStack();
  const tell = options.observer ?? (() => {});
  const log = options.log ? openLog(config.logFile, tell) : undefined;
  if (log) closing.defer(log.close);
  const observer: Observer = event => {
    tell(event);
    log?.observe(event);
  };

  const look = async (path: string) => {
    const { isRemote } = await firstLook(path);
    if (isRemote) options.onRemoteDrive?.();
  };

  const fleet = () => fleetOf(config, options.userAgent);
  const warnOfLoss = (message: string) => observer({ type: 'warning', message, isLoss: true });
  // Closed in the opposite order: the state last.
  const state = part(closing, async () => {
    const [{ openState }] = await Promise.all([import('./open-state.ts'), look(config.stateDir)]);
    return await openState(config.stateDir, { withoutState, warn: warnOfLoss, fleet: fleet() });
  });
  let stateFailure: AppError | undefined;
  const instead = part(closing, async () => {
    if (withoutState === 'refuse' || !stateFailure) throw stateFailure;
    const { openStateInstead } = await import('./open-state.ts');
    return await openStateInstead(config.stateDir, stateFailure, { warn: warnOfLoss, fleet: fleet() });
  });
  const poster = part(closing, async () => {
    const { createPoster } = await import('../core/webhook/post-webhook.ts');
    const ca = readCaFile(config.caFile);
    const made = createPoster({ userAgent, ca, proxyEnv: env, timeoutMs: options.postTimeoutMs });
    if (!trace) return made;
    const { tracePost } = await import('./observers/trace.ts');
    return { ...made, post: tracePost(made.post, request => trace({ ...request, target: redact(request.target) })) };
  });
  const bucket = part(closing, async () => {
    const credentials = requireCredentials(config);
    const { openBucket } = await import('../core/storage/s3/s3-bucket.ts');
    return openBucket({ ...config, credentials, env, secrets, machine });
  });
  const settingsAt = (target: string) => {
    const credentials = requireCredentials(config);
    const [, endpoint = config.endpoint, bucket = config.bucket] = /^(.*)\/([^/]+)$/.exec(target) ?? [];
    return { ...config, endpoint, bucket, credentials, env, secrets, machine };
  };
  const bucketAt = async (target: string) => {
    const settings = settingsAt(target);
    const { openBucket } = await import('../core/storage/s3/s3-bucket.ts');
    return openBucket(settings);
  };
  const linksAt = async (target: string) => {
    const settings = settingsAt(target);
    const { createLinkSigner } = await import('../core/storage/s3/sign-links.ts');
    return createLinkSigner(settings);
  };
  const hasher = part(closing, async () => (await import('./open-uploads.ts')).openHasher());
  const uploads = part(closing, async () => {
    const credentials = requireCredentials(config);
    const { openUploads } = await import('./open-uploads.ts');
    const { journal } = await state();
    const { session, close } = openUploads(
      { ...config, credentials },
      { env, signal, observer, secrets, journal, machine, hasher: await hasher() },
    );
    if (!trace) return { session, close };
    const { traceBucket } = await import('./observers/trace.ts');
    return { session: { ...session, bucket: traceBucket(session.bucket, trace) }, close };
  });

  return {
    config,
    env,
    userAgent,
    uploadSource: config.uploadSource ?? options.uploadSource,
    clock: systemClock,
    random: Math.random,
    signal,
    observer,
    redact,
    firstLook: look,
    state,
    stateInstead(error) {
      stateFailure ??= error;
      return instead();
    },
    async overview() {
      const [{ openOverview }] = await Promise.all([import('../state/open.ts'), look(config.stateDir)]);
      return await openOverview(config.stateDir, { fleet: fleet(), warn: warnOfLoss });
    },
    async database() {
      const shared = fleet();
      if (!shared) return undefined;
      const { lookAtDatabase } = await import('../state/open.ts');
      return await lookAtDatabase(shared, config.stateDir);
    },
    async stateFlaw(signal) {
      const { findFlaw } = await import('../state/open.ts');
      return await findFlaw(config.stateDir, signal);
    },
    uploads: async () => (await uploads()).session,
    async prepareUpload(largestBytes) {
      if (config.stateUrl !== undefined || state.isAsked() || !hasPlentyOfDescriptors()) return;
      const [{ hasState }] = await Promise.all([import('./open-state.ts'), look(config.stateDir)]);
      if (!hasState(config.stateDir)) (await hasher()).prepare(largestBytes);
    },
    bucket,
    bucketAt,
    linksAt,
    poster,
    async delivery() {
      const { post } = await poster();
      const assertSendable = (url: string) => void proxyFor(new URL(url), env);
      const { webhooks: endpoints } = config;
      const concurrency = webhooksAtOnce(config.webhookConcurrency);
      const sending = { clock: systemClock, random: Math.random, observer, redact, signal, concurrency };
      return { ...sending, state: await state(), endpoints, post, assertSendable };
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

interface Closable {
  close(): void | Promise<void>;
}

/** Makes a part when it is first asked for, once, and has it closed with the rest. */
function part<T extends Closable>(
  closing: AsyncDisposableStack,
  make: () => Promise<T>,
): (() => Promise<T>) & { isAsked(): boolean } {
  let made: Promise<T> | undefined;
  closing.defer(async () => {
    // If it could not be made, its caller has got the error.
    const value = await made?.catch(() => undefined);
    await value?.close();
  });
  const get = () => {
    made ??= make();
    return made;
  };
  return Object.assign(get, { isAsked: () => made !== undefined });
}

/** The log file, loaded beside the work: until it is there, events wait. */
function openLog(file: string, tell: Observer): { observe: Observer; close(): Promise<void> } {
  const waiting: CoreEvent[] = [];
  let write: Observer = event => {
    waiting.push(event);
  };
  const loaded = import('./observers/log.ts').then(({ openLog }) => {
    write = openLog(file, message => tell({ type: 'warning', message, isLoss: true })).observe;
    for (const event of waiting.splice(0)) write(event);
  });
  return {
    observe(event) {
      // The log has no line for these, and there are many.
      if (event.type !== 'file-progress' && event.type !== 'file-started') write(event);
    },
    close: () => loaded,
  };
}
