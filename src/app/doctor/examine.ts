import { createHash, randomUUID } from 'node:crypto';
import { sep } from 'node:path';
import type { LoadedConfig } from '../../config/load-config.ts';
import { readCaFile } from '../../core/ca-file.ts';
import { AppError } from '../../core/errors.ts';
import { openRuntime, type Runtime } from '../runtime.ts';
import { type Check, type CheckResult, runChecks } from './check.ts';
import { brokenConfigCheck, checkConfig } from './check-config.ts';
import { checkDatabase } from './check-database.ts';
import { checkHost } from './check-host.ts';
import { checkLogFile, checkNode, checkStateFile, checkStateFolder } from './check-machine.ts';
import { checkQueue } from './check-queue.ts';
import { POST_TIMEOUT_MS, webhookCheck } from './check-webhook.ts';

export interface ExamineRequest {
  /** The configuration, or why it cannot be loaded. */
  config: LoadedConfig | AppError;
  env: NodeJS.ProcessEnv;
  /** What the program calls itself in requests. */
  userAgent: string;
  /** Also send the marked test payload, which the server stores as a recording. */
  webhookTest: boolean;
  /** Only the queue and the worker of this machine of a fleet. */
  machine?: string | undefined;
  signal: AbortSignal;
}

const nodeCheck: Check = {
  name: 'Node.js',
  area: 'setup',
  run: () => [checkNode(process.versions.node)],
};

/**
 * Checks this machine, the configuration, the bucket and the recordings server, all at the same time and for at most 10 s.
 * Deletes its probe objects again; a bucket that keeps versions keeps theirs.
 * @param onResults gets the results of each check, in the order of the checks, as soon as they are there
 * @throws the signal's reason where it aborts
 */
export async function examine(
  { config: loaded, env, userAgent, webhookTest, machine, signal }: ExamineRequest,
  onResults: (results: CheckResult[]) => void,
): Promise<CheckResult[]> {
  if (loaded instanceof AppError) return await runChecks([nodeCheck, brokenConfigCheck(loaded)], { signal }, onResults);
  const { config } = loaded;
  await using runtime = openRuntime(config, {
    env,
    userAgent,
    uploadSource: 'doctor',
    signal,
    postTimeoutMs: POST_TIMEOUT_MS,
  });
  const endpoints = config.webhooks.filter(endpoint => endpoint.enabled);
  const isLogElsewhere = !config.logFile.startsWith(config.stateDir + sep);
  const checks: Check[] = [
    nodeCheck,
    { name: 'configuration', area: 'setup', run: () => checkConfig(loaded) },
    { name: 'state folder', area: 'state', run: () => checkStateFolder(config.stateDir, { uid: process.getuid?.() }) },
    ...(isLogElsewhere
      ? [{ name: 'log', area: 'state' as const, run: async () => [await checkLogFile(config.logFile)] }]
      : []),
    config.stateUrl === undefined
      ? {
          name: 'state file',
          area: 'state',
          run: async signal => [await checkStateFile(config.stateDir, runtime.stateFlaw, signal)],
        }
      : { name: 'state database', area: 'state', run: () => checkDatabase(runtime) },
    { name: 'queue', area: 'webhook', run: () => checkQueue(runtime, machine) },
    ...hostChecks(runtime),
    ...(config.credentials ? [bucketCheck(runtime)] : []),
    ...endpoints.map(endpoint => webhookCheck(endpoint, runtime, { webhookTest })),
  ];
  return await runChecks(checks, { signal }, onResults);
}

/** Each server once, also if several settings name it. */
function hostChecks({ config, env, redact }: Runtime): Check[] {
  const checks = new Map<string, Check>();
  const ca = readCaFile(config.caFile);
  const add = (text: string, setting: string, area: Check['area']) => {
    const url = new URL(text);
    if (checks.has(url.origin)) return;
    const settings = { url, setting, ca, env, redact, now: Date.now };
    checks.set(url.origin, { name: `host ${url.host}`, area, run: signal => checkHost(settings, signal) });
  };
  add(config.endpoint, 'endpoint', 'storage');
  for (const { name, url, enabled } of config.webhooks) if (enabled) add(url, `the URL of webhook ${name}`, 'webhook');
  return [...checks.values()];
}

function bucketCheck(runtime: Runtime): Check {
  return {
    name: 'bucket',
    area: 'storage',
    async run(signal) {
      const [{ checkBucket }, { checkLink }, { bufferBody }, { unlimited }] = await Promise.all([
        import('./check-bucket.ts'),
        import('../check-link.ts'),
        import('../../core/storage/body.ts'),
        import('../../core/storage/throttle.ts'),
      ]);
      const bucket = await runtime.bucket();
      const bodyOf = (bytes: Buffer) =>
        bufferBody(bytes, createHash('sha256').update(bytes).digest(), { throttle: unlimited });
      const { storageClass } = runtime.config;
      const check = (object: { key: string; sizeBytes: number }, within: AbortSignal) =>
        checkLink(object, runtime, within);
      const deps = { bucket, bodyOf, newId: randomUUID, now: Date.now, checkLink: check, storageClass };
      return await checkBucket(deps, signal);
    },
  };
}
