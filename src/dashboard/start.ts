import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { createAdaptorServer } from '@hono/node-server';
import { status } from '../app/status.ts';
import type { Config } from '../config/config.ts';
import { AppError, isSystemError } from '../core/errors.ts';
import { machineName } from '../core/machine-name.ts';
import { openDoor } from './access/caller.ts';
import { refuseExposure } from './access/exposure.ts';
import { openSessionKey } from './access/session-key.ts';
import { openSessions } from './access/sessions.ts';
import { countWrongTokens } from './access/wrong-tokens.ts';
import { openJobs } from './actions/jobs.ts';
import { createApp } from './app.ts';
import { loadAssets } from './assets.ts';
import { type Hub, openHub } from './live/hub.ts';
import type { Parts } from './parts.ts';

export interface DashboardOptions
  extends Pick<Parts, 'runtime' | 'openRuntime' | 'loadConfig' | 'userAgent' | 'readOnly' | 'version'> {
  /** Called when a one-time token was used: its address is void, and `signInAddress` gives the next one. */
  onSignIn?: (() => void) | undefined;
}

/** A dashboard that listens. */
export interface RunningDashboard {
  /** Where people open it: `http://127.0.0.1:8707`. */
  readonly address: string;
  /** Where it listens, which differs behind a proxy: `127.0.0.1:8707`. */
  readonly listensOn: string;
  /** The same with a token that signs in once. */
  signInAddress(): string;
  /** Ends it: actions that run are interrupted, what they have done is kept. */
  close(): Promise<void>;
}

/** Actions on the overview. */
const NEWEST_ACTIONS = 5;

/**
 * Serves the dashboard.
 * @throws AppError `CONFIG` if it would let others in, `USAGE` if the address cannot be listened on, `STATE` if the state
 *   cannot be read
 */
export async function startDashboard(options: DashboardOptions): Promise<RunningDashboard> {
  const { runtime, onSignIn = () => {} } = options;
  const config = runtime.config.dashboard;
  refuseExposure(config);
  const certificate = readCertificate(config.tls);
  // Said now, rather than on every page.
  await status({ limit: 0 }, runtime);

  const closing = new AbortController();
  let hub: Hub | undefined;
  const jobs = openJobs(runtime.clock.now, () => hub?.announce());
  hub = openHub(runtime, () => jobs.newest(NEWEST_ACTIONS));
  const key = openSessionKey(runtime.config.stateDir);
  const sessions = openSessions({ key: key.bytes, token: config.token, now: runtime.clock.now, onUse: key.keep });
  const { port: wantedPort, host } = config.listen;
  const parts: Parts = {
    ...options,
    hub,
    jobs,
    assets: loadAssets(),
    machine: runtime.config.machine,
    signal: AbortSignal.any([closing.signal, runtime.signal]),
  };
  let fetch: Parameters<typeof createAdaptorServer>[0]['fetch'] | undefined;
  const adaptor = createAdaptorServer({
    fetch: (request, env) => fetch?.(request, env),
    overrideGlobalObjects: false,
    ...(certificate && { createServer: createHttpsServer, serverOptions: certificate }),
  }) as Server;
  const port = await listen(adaptor, host, wantedPort).catch(async error => {
    await hub.close();
    throw error;
  });
  const cookie = `recordupload-${port}`;
  const { token } = config;
  const settings = {
    door: openDoor(config),
    token,
    sessions,
    wrongTokens: countWrongTokens(Date.now),
    cookie,
    onSignIn,
  };
  fetch = createApp(parts, settings).fetch as typeof fetch;
  // Read while the browser opens: the first page need not wait for it.
  void hub.overview().catch(() => {});

  const shownHost = host === '0.0.0.0' || host === '::' ? machineName() || 'localhost' : host;
  const address =
    config.url ??
    `${certificate ? 'https' : 'http'}://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${port}`;
  return {
    address,
    listensOn: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    signInAddress: () => `${address}/sign-in?token=${sessions.oneTimeToken()}`,
    async close() {
      closing.abort();
      adaptor.close();
      adaptor.closeAllConnections();
      await jobs.settled();
      await hub.close();
    },
  };
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'only the administrator may use this port',
  EADDRNOTAVAIL: 'this machine does not have this address',
};

async function listen(server: Server, host: string, port: number): Promise<number> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const why = WHY_NOT[error.code ?? ''] ?? error.message;
    throw new AppError('USAGE', `the dashboard cannot listen on ${where}: ${why}`, {
      hint: 'choose another address or port with --listen, such as --listen 127.0.0.1:0 for any free port',
      cause: error,
    });
  }
}

/** @throws AppError `CONFIG` if the files are no certificate and its key */
function readCertificate(tls: Config['dashboard']['tls']): { cert: Buffer; key: Buffer } | undefined {
  if (!tls) return undefined;
  const read = (file: string) => {
    try {
      return readFileSync(file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new AppError('CONFIG', `${file} cannot be read (${code})`, {
        hint: 'check dashboard.tlsCert and dashboard.tlsKey',
        cause: error,
      });
    }
  };
  const pair = { cert: read(tls.certFile), key: read(tls.keyFile) };
  try {
    createSecureContext(pair);
    return pair;
  } catch (error) {
    throw new AppError('CONFIG', `${tls.certFile} and ${tls.keyFile} are no certificate and its private key (PEM)`, {
      hint: 'check dashboard.tlsCert and dashboard.tlsKey',
      cause: error,
    });
  }
}
