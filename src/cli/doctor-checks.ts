import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sep } from 'node:path';
import type { Check, Finding } from '../app/doctor/check.ts';
import { checkHost } from '../app/doctor/check-host.ts';
import { checkLogFile, checkNode, checkStateFile, checkStateFolder } from '../app/doctor/check-machine.ts';
import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { Origin } from '../config/origins.ts';
import { requireToken } from '../config/requirements.ts';
import { AppError } from '../core/errors.ts';
import type { Endpoint } from '../core/webhook/endpoint.ts';
import { proxyFor } from '../core/webhook/network-failure.ts';
import { openReadOnly } from '../state/sqlite/read-only.ts';
import { webhookCheck } from './doctor-webhook-check.ts';
import { count, formatBytes, formatDuration } from './terminal/format.ts';

export const nodeCheck: Check = {
  name: 'Node.js',
  area: 'setup',
  run: () => [checkNode(process.versions.node)],
};

/** The check of a configuration that cannot be loaded: its problems, one by one. */
export function brokenConfigCheck(error: AppError): Check {
  const problems = error.message.split('\n');
  const findings = problems.map(detail => ({
    name: 'configuration',
    status: 'failure' as const,
    detail,
    mend: error.hint ?? 'correct it; recordupload config validate looks at it again',
  }));
  return { name: 'configuration', area: 'setup', run: () => findings };
}

/** Everything that can be looked at with this configuration. */
export function checksFor(
  loaded: LoadedConfig,
  { env, webhookTest }: { env: NodeJS.ProcessEnv; webhookTest: boolean },
): Check[] {
  const { config } = loaded;
  const endpoints = config.webhooks.filter(endpoint => endpoint.enabled);
  const hosts = new Map<string, Check>();
  const ca = config.caFile === undefined ? undefined : readFileSync(config.caFile, 'utf8');
  const addHost = (text: string, setting: string, area: Check['area']) => {
    const url = new URL(text);
    if (hosts.has(url.origin)) return;
    const settings = { url, setting, proxy: proxyOf(url, env), ca, env, now: Date.now };
    hosts.set(url.origin, { name: `host ${url.host}`, area, run: signal => checkHost(settings, signal) });
  };
  addHost(config.endpoint, 'endpoint', 'storage');
  for (const { name, url } of endpoints) addHost(url, `the URL of webhook ${name}`, 'webhook');
  return [
    { name: 'configuration', area: 'setup', run: () => configFindings(loaded, endpoints) },
    {
      name: 'state folder',
      area: 'state',
      run: () => checkStateFolder(config.stateDir, { uid: process.getuid?.(), formatBytes }),
    },
    ...(config.logFile.startsWith(config.stateDir + sep)
      ? []
      : [{ name: 'log', area: 'state' as const, run: async () => [await checkLogFile(config.logFile)] }]),
    { name: 'state file', area: 'state', run: async signal => [await checkStateFile(config.stateDir, signal)] },
    { name: 'queue', area: 'webhook', run: () => queueFindings(config.stateDir) },
    ...hosts.values(),
    ...(config.credentials ? [bucketCheck(config, config.credentials, env)] : []),
    ...endpoints.map(endpoint => webhookCheck(endpoint, config, { env, ca, webhookTest })),
  ];
}

function configFindings({ config, origins, files, warnings }: LoadedConfig, endpoints: readonly Endpoint[]): Finding[] {
  const name = 'configuration';
  const set = origins.filter(one => one.source !== 'default' && one.source !== 'not set');
  const used = files.filter(one => one.state === 'used').map(one => one.file);
  const from = used.length === 0 ? 'no file' : used.join(', ');
  const findings: Finding[] = [
    { name, status: 'ok', detail: `${count(set.length, 'value')} set; ${from}`, more: set.map(originText) },
    ...warnings.map(detail => ({ name, status: 'warning' as const, detail, mend: 'correct or remove it' })),
  ];
  const keys = origins.filter(one => one.secret && one.value === 'set');
  findings.push({ name: 'secrets', status: 'ok', detail: `${keys.length} set; no file with one is open to others` });
  if (!config.credentials) {
    const detail = config.credentialsProblem ?? 'no access keys for the bucket are configured';
    const mend =
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or accessKeyId and secretAccessKey in .recorduploadrc';
    findings.push({ name: 'access keys', status: 'failure', detail, mend });
  }
  for (const endpoint of endpoints) {
    try {
      requireToken(endpoint);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      findings.push({ name: 'webhook token', status: 'failure', detail: error.message, mend: error.hint });
    }
  }
  if (endpoints.length === 0) {
    findings.push({
      name: 'webhook',
      status: 'warning',
      detail: 'no endpoint is switched on: nobody is told of uploads',
    });
  }
  if (!config.user.email) {
    const mend = 'set user.email (RECORDUPLOAD_USER_EMAIL), or give --email';
    const detail = 'no user.email: recordings that bring none cannot be sent';
    findings.push({ name: 'e-mail address', status: 'warning', detail, mend });
  }
  return findings;
}

function originText({ path, value, secret, source }: Origin): string {
  return `${path} = ${secret ? value : JSON.stringify(value)}  (${source})`;
}

const OLD_MS = 24 * 3_600_000;

/** What waits, and since when. */
async function queueFindings(stateDir: string): Promise<Finding[]> {
  const { readOverview } = await import('../state/sqlite/overview.ts');
  const name = 'queue';
  const state = openReadOnly(stateDir);
  if (!state) return [{ name, status: 'ok', detail: 'nothing waits' }];
  try {
    const { counts, oldest } = readOverview(state, stateDir, { limit: 1 });
    const findings: Finding[] = [];
    const age = (since: number | null) =>
      since === null ? '' : `, the oldest for ${formatDuration(Math.max(0, Date.now() - since))}`;
    const isOld = (since: number | null) => since !== null && Date.now() - since > OLD_MS;
    if (counts.held > 0) {
      const detail = `${count(counts.held, 'webhook')} held for an operator`;
      findings.push({
        name,
        status: 'warning',
        detail,
        mend: 'recordupload status tells why; then recordupload retry --held',
      });
    }
    const { partial, waiting } = counts;
    const old = isOld(oldest.waiting) || isOld(oldest.partial);
    findings.push({
      name,
      status: old ? 'warning' : 'ok',
      detail: `${count(waiting, 'webhook')} waiting${age(oldest.waiting)}; ${count(partial, 'upload')} partial${age(oldest.partial)}`,
      ...(old && { mend: 'recordupload retry; does cron run it?' }),
    });
    return findings;
  } finally {
    state.close();
  }
}

function bucketCheck(config: Config, credentials: NonNullable<Config['credentials']>, env: NodeJS.ProcessEnv): Check {
  return {
    name: 'bucket',
    area: 'storage',
    async run(signal) {
      const { bufferBody, checkBucket, openBucket, unlimited } = await import('./doctor-parts.ts');
      const bucket = openBucket({ ...config, credentials, env });
      const bodyOf = (bytes: Buffer) =>
        bufferBody(bytes, createHash('sha256').update(bytes).digest(), { throttle: unlimited });
      try {
        return await checkBucket({ bucket, bodyOf, newId: randomUUID, now: Date.now }, signal);
      } finally {
        bucket.close();
      }
    },
  };
}

/** The proxy that a URL is reached through, `NO_PROXY` observed as Node's agents do. */
function proxyOf(url: URL, env: NodeJS.ProcessEnv): URL | undefined {
  const without = (env.no_proxy || env.NO_PROXY || '').split(/[\s,]+/).filter(entry => entry !== '');
  const isDirect = without.some(entry => {
    const name = entry.replace(/^\*?\./, '').toLowerCase();
    return (
      entry === '*' ||
      name === url.hostname ||
      name === url.host ||
      (entry !== name && url.hostname.endsWith(`.${name}`))
    );
  });
  return isDirect ? undefined : proxyFor(url, env);
}
