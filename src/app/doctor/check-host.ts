import { lookup } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import { connect, isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import { monotonicMs } from '../../core/clock.ts';
import { ADDRESS_TIMEOUT_MS, openConnections } from '../../core/http/connections.ts';
import { type HttpProxy, proxyFor } from '../../core/http/proxies.ts';
import type { Redactor } from '../../core/redact.ts';
import type { Finding } from './check.ts';

export interface HostSettings {
  url: URL;
  /** The setting that has the URL: `endpoint`, `webhook.url`. */
  setting: string;
  /** Further authorities, PEM. */
  ca: string | undefined;
  env: NodeJS.ProcessEnv;
  /** Knows the secrets of the run. */
  redact: Redactor;
  now: () => number;
}

/** S3 refuses requests whose time differs by more. */
const MAX_SKEW_MS = 15 * 60_000;
const LARGE_SKEW_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Checks the way to a server step by step (DNS, TCP or the proxy, TLS, a response), and its clock. Stops at the first
 * failure.
 * @throws AppError `CONFIG` if the environment names a proxy for it that cannot be one
 */
export async function checkHost(settings: HostSettings, signal: AbortSignal): Promise<Finding[]> {
  const { url, setting } = settings;
  const proxy = proxyFor(url, settings.env);
  const near = proxy?.url ?? url;
  const findings: Finding[] = [];
  const step = async (what: string, fix: string, work: () => Promise<string>): Promise<boolean> => {
    const name = `${what} ${url.host}`;
    try {
      findings.push({ name, status: 'ok', detail: await work() });
      return true;
    } catch (error) {
      const late = signal.aborted ? 'no answer in 10 s' : settings.redact.foreign(messageOf(error));
      findings.push({ name, status: 'failure', detail: late, fix });
      return false;
    }
  };
  const host = near.hostname.replace(/^\[|\]$/g, '');
  const checked = proxy ? `the proxy ${near.host} (${proxy.variable})` : setting;
  const found = await step(proxy ? 'proxy, DNS' : 'DNS', `check ${checked} and the name server`, async () => {
    if (isIP(host)) return 'an address, so there is no name to look up';
    const addresses = await until(signal, lookup(host, { all: true }));
    return `${host} is ${addresses.map(one => one.address).join(', ')}`;
  });
  if (!found) return findings;
  const reached = await step(
    proxy ? 'proxy, TCP' : 'TCP',
    `check ${checked}, the network and the firewall`,
    async () => {
      const startedAt = monotonicMs();
      await reach(host, portOf(near), signal);
      return `port ${portOf(near)} answers in ${Math.round(monotonicMs() - startedAt)} ms`;
    },
  );
  if (!reached) return findings;
  const tls = url.protocol === 'https:' ? 'TLS' : 'HTTP';
  let clock: Finding | undefined;
  await step(tls, tlsMend(setting, proxy), async () => {
    const { date, certificateEnds } = await ask(settings, signal);
    clock = clockFinding(date, settings);
    if (certificateEnds === undefined) return 'the server answers';
    const days = Math.floor((certificateEnds - settings.now()) / DAY_MS);
    return `the certificate is accepted and valid for ${days} more days`;
  });
  return clock ? [...findings, clock] : findings;
}

function tlsMend(setting: string, proxy: HttpProxy | undefined): string {
  const via = proxy ? ', and that the proxy lets it through' : '';
  return `check ${setting}${via}; for your own certificate authority set caFile or NODE_EXTRA_CA_CERTS`;
}

function clockFinding(date: string | undefined, { url, now }: HostSettings): Finding | undefined {
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return undefined;
  const skewMs = now() - theirs;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const name = `clock ${url.host}`;
  // The server's time has whole seconds only, and is older by the time it takes to arrive.
  if (Math.abs(skewMs) <= LARGE_SKEW_MS)
    return { name, status: 'ok', detail: `${seconds <= 2 ? 'agrees' : `${seconds} s apart`}` };
  const side = skewMs > 0 ? 'ahead of' : 'behind';
  return {
    name,
    status: Math.abs(skewMs) > MAX_SKEW_MS ? 'failure' : 'warning',
    detail: `this machine's clock is ${seconds} s ${side} the server's`,
    fix: "set this machine's clock, preferably by NTP (timedatectl set-ntp true)",
  };
}

/** Sends one HEAD without any secret; any response will do. */
function ask(
  { url, ca, env }: HostSettings,
  signal: AbortSignal,
): Promise<{ date: string | undefined; certificateEnds: number | undefined }> {
  const connections = openConnections({ ca, proxyEnv: env });
  return new Promise<{ date: string | undefined; certificateEnds: number | undefined }>((resolve, reject) => {
    const request = connections.to(new URL('/', url))({ method: 'HEAD' });
    request.once('response', (response: IncomingMessage) => {
      const { socket } = response;
      const ends = socket instanceof TLSSocket ? Date.parse(socket.getPeerCertificate().valid_to) : undefined;
      response.resume();
      resolve({ date: response.headers.date, certificateEnds: Number.isNaN(ends) ? undefined : ends });
    });
    request.on('error', reject);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    request.end();
  }).finally(() => connections.close());
}

function reach(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal, autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT_MS });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

/** The system's name lookup cannot be aborted, so this stops waiting for it. */
function until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
}

const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name is not found',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'no answer',
};

/** The system's own words, which contain nothing of the request. */
function messageOf(error: unknown): string {
  const several = (error as Partial<AggregateError>).errors;
  const cause = (Array.isArray(several) ? several.at(-1) : error) as NodeJS.ErrnoException;
  return WORDS[cause.code ?? ''] ?? `${cause.message}${cause.code ? ` (${cause.code})` : ''}`;
}
