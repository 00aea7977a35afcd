import type { ClientRequest, Agent as HttpAgent, RequestOptions } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import { type HttpProxy, proxyFor } from './proxies.ts';

/** Kept-alive connections to any number of servers, each directly or through the proxy that the environment names. */
export interface Connections {
  /**
   * Returns a function that begins requests to a server; its `path` replaces that of the URL. Call `write` and `end` on a
   * request, and listen for `response` and `error`. Redirects are responses like any other.
   * @throws AppError `CONFIG` if the environment names a proxy for it that cannot be one
   */
  to(url: URL): (options: Pick<RequestOptions, 'method' | 'headers' | 'path'>) => ClientRequest;
  /**
   * The agent that keeps the connections to a server, as HTTP clients such as got take it.
   * @throws AppError `CONFIG` as `to`
   */
  agentFor(url: URL): { http: HttpAgent } | { https: HttpsAgent };
  /** The proxy that a server is reached through. @throws AppError `CONFIG` as `to` */
  proxyFor(url: URL): HttpProxy | undefined;
  /** Closes all connections. */
  close(): void;
}

export interface ConnectionSettings {
  /** Further certificate authorities, PEM text, beside those that Node trusts (`NODE_EXTRA_CA_CERTS` included). */
  ca?: string | undefined;
  /** Holds `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; none: no proxy. */
  proxyEnv?: NodeJS.ProcessEnv | undefined;
  /** Closes a connection, or gives up a proxy, that is silent for so long; none: the caller watches. */
  idleTimeoutMs?: number | undefined;
  /** How many connections to a server are open at once; requests wait for one. No limit unless given. */
  most?: number | undefined;
}

/**
 * How long one of several addresses of a host may take to connect. Node tries them one after the other and gives up each
 * after 250 ms: on a line with a longer round trip, or one that loses the first packet (which is sent again after 1 s),
 * it never connects if the last address does not work, as an IPv6 address without a route.
 * https://github.com/nodejs/node/issues/54359
 */
export const ADDRESS_TIMEOUT_MS = 2_500;

/**
 * Chooses how Node's own HTTP client connects. Node's client is loaded with the first request and TLS with the first
 * https request, because TLS costs 20 ms.
 */
export function openConnections({ ca, proxyEnv, idleTimeoutMs, most }: ConnectionSettings): Connections {
  const usual = {
    keepAlive: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT_MS,
    maxSockets: most ?? Number.POSITIVE_INFINITY,
    ...(idleTimeoutMs !== undefined && { timeout: idleTimeoutMs }),
  };
  /** For each kind of URL at most two: the direct one and that of the proxy. */
  const plain = new Map<string, HttpAgent>();
  const secure = new Map<string, HttpsAgent>();
  const plainAgent = (proxy: HttpProxy | undefined) =>
    kept(plain, proxy, () => new (http().Agent)({ ...usual, ...through(proxy) }));
  const secureAgent = (proxy: HttpProxy | undefined) =>
    kept(secure, proxy, () => makeSecureAgent({ ...usual, ...through(proxy) }, ca));
  const proxyOf = (url: URL) => proxyFor(url, proxyEnv);
  return {
    to(url) {
      const server = urlToHttpOptions(url);
      const proxy = proxyOf(url);
      return url.protocol === 'https:'
        ? options => https().request({ ...server, agent: secureAgent(proxy), ...options })
        : options => http().request({ ...server, agent: plainAgent(proxy), ...options });
    },
    agentFor(url) {
      const proxy = proxyOf(url);
      return url.protocol === 'https:' ? { https: secureAgent(proxy) } : { http: plainAgent(proxy) };
    },
    proxyFor: proxyOf,
    close() {
      for (const agent of [...plain.values(), ...secure.values()]) agent.destroy();
    },
  };
}

function kept<Agent>(agents: Map<string, Agent>, proxy: HttpProxy | undefined, make: () => Agent): Agent {
  const key = proxy?.url.href ?? '';
  const agent = agents.get(key) ?? make();
  agents.set(key, agent);
  return agent;
}

/**
 * The option of Node's agents for a proxy. They get no `NO_PROXY`: `proxyFor` has decided already.
 * https://nodejs.org/api/http.html#built-in-proxy-support
 */
export function through(proxy: HttpProxy | undefined): { proxyEnv?: NodeJS.ProcessEnv } {
  return proxy ? { proxyEnv: { http_proxy: proxy.url.href, https_proxy: proxy.url.href } } : {};
}

const http = () => process.getBuiltinModule('node:http');
const https = () => process.getBuiltinModule('node:https');

function makeSecureAgent(options: object, ca: string | undefined): HttpsAgent {
  if (ca === undefined) return endingTunnels(new (https().Agent)(options));
  const { createSecureContext, getCACertificates } = process.getBuiltinModule('node:tls');
  // One context for all connections: with `ca` among the options, each would parse all authorities again, 17 ms.
  const secureContext = createSecureContext({ ca: [...getCACertificates('default'), ca] });
  return endingTunnels(new (https().Agent)({ ...options, secureContext }));
}

/**
 * Makes `destroy` close the connections to a proxy too. Node's agent knows such a connection only once its tunnel is open:
 * it would leave open the ones that the proxy refuses or does not answer, and so keep the process alive.
 */
function endingTunnels(agent: HttpsAgent): HttpsAgent {
  const open = new Set<Duplex>();
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (options, done) => {
    const socket = create(options, (error, tunnel) => {
      if (error) socket?.destroy();
      done?.(error, tunnel);
    });
    if (!socket) return socket;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    return socket;
  };
  const destroy = agent.destroy.bind(agent);
  agent.destroy = () => {
    for (const socket of open) socket.destroy();
    destroy();
  };
  return agent;
}
