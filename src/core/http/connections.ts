import type { ClientRequest, Agent as HttpAgent, RequestOptions } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import { proxyVariables } from './proxy-variables.ts';

/** Kept-alive connections to any number of servers, through a proxy if the environment names one. */
export interface Connections {
  /**
   * Returns a function that begins requests to a server; its `path` replaces that of the URL. Call `write` and `end` on a
   * request, and listen for `response` and `error`. Redirects are responses like any other.
   */
  to(url: URL): (options: Pick<RequestOptions, 'method' | 'headers' | 'path'>) => ClientRequest;
  /** The agent that keeps the connections to a server, as HTTP clients such as got take it. */
  agentFor(url: URL): { http: HttpAgent } | { https: HttpsAgent };
  /** Closes all connections. */
  close(): void;
}

export interface ConnectionSettings {
  /** Further certificate authorities, PEM text, beside those that Node trusts (`NODE_EXTRA_CA_CERTS` included). */
  ca?: string | undefined;
  /** Holds `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; none: no proxy. */
  proxyEnv?: NodeJS.ProcessEnv | undefined;
  /** Closes a connection, or gives up a proxy, that is silent for so long; none: the caller watches. */
  idleTimeoutMs?: number | undefined;
}

/**
 * Chooses how Node's own HTTP client connects. Node's client is loaded with the first request and TLS with the first
 * https request, because TLS costs 20 ms.
 * @throws AppError `CONFIG` if the environment names a proxy that is not an address
 */
export function openConnections({ ca, proxyEnv, idleTimeoutMs }: ConnectionSettings): Connections {
  const proxies = proxyVariables(proxyEnv);
  const options = {
    keepAlive: true,
    maxSockets: Number.POSITIVE_INFINITY,
    ...(idleTimeoutMs !== undefined && { timeout: idleTimeoutMs }),
    ...(proxies && { proxyEnv: proxies }),
  };
  let plain: HttpAgent | undefined;
  let secure: HttpsAgent | undefined;
  const plainAgent = () => {
    plain ??= new (http().Agent)(options);
    return plain;
  };
  const secureAgent = () => {
    secure ??= makeSecureAgent(options, ca);
    return secure;
  };
  return {
    to(url) {
      const server = urlToHttpOptions(url);
      return url.protocol === 'https:'
        ? options => https().request({ ...server, agent: secureAgent(), ...options })
        : options => http().request({ ...server, agent: plainAgent(), ...options });
    },
    agentFor: url => (url.protocol === 'https:' ? { https: secureAgent() } : { http: plainAgent() }),
    close() {
      plain?.destroy();
      secure?.destroy();
    },
  };
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
