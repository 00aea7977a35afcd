import type { Agent, ClientRequest, RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import { proxyVariables } from './proxy-variables.ts';

/** What requests go out on: kept-alive connections, through a proxy where the environment names one. */
export interface Connections {
  /**
   * Begins requests to a server; `path` stands for that of the URL. `write` and `end` a request, and listen for `response`
   * and `error`. Redirects are answers like others. Node's client is loaded with the first request.
   */
  to(url: URL): (options: Pick<RequestOptions, 'method' | 'headers' | 'path'>) => ClientRequest;
  /** Ends all of them. */
  close(): void;
}

export interface ConnectionSettings {
  /** Further certificate authorities, PEM text, beside those that Node trusts (`NODE_EXTRA_CA_CERTS` included). */
  ca?: string | undefined;
  /** Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are looked up; none: no proxy. */
  proxyEnv?: NodeJS.ProcessEnv | undefined;
  /** A connection (or a proxy) that is silent for so long is ended; none: the caller watches. */
  idleTimeoutMs?: number | undefined;
}

/**
 * Node's own client: it speaks HTTP, this chooses how. TLS is loaded with the first https request, which takes it 20 ms.
 * @throws AppError `CONFIG` where the environment names a proxy that is none
 */
export function openConnections({ ca, proxyEnv, idleTimeoutMs }: ConnectionSettings): Connections {
  const proxies = proxyVariables(proxyEnv);
  const options = {
    keepAlive: true,
    maxSockets: Number.POSITIVE_INFINITY,
    ...(idleTimeoutMs !== undefined && { timeout: idleTimeoutMs }),
    ...(proxies && { proxyEnv: proxies }),
  };
  const agents = new Map<string, Agent>();
  const agentFor = (protocol: string): Agent => {
    const known = agents.get(protocol);
    if (known) return known;
    const made = protocol === 'https:' ? secureAgent(options, ca) : new (http().Agent)(options);
    agents.set(protocol, made);
    return made;
  };
  return {
    to(url) {
      const server = urlToHttpOptions(url);
      const client = url.protocol === 'https:' ? https : http;
      return options => client().request({ ...server, agent: agentFor(url.protocol), ...options });
    },
    close() {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

const http = () => process.getBuiltinModule('node:http');
const https = () => process.getBuiltinModule('node:https');

function secureAgent(options: object, ca: string | undefined): Agent {
  if (ca === undefined) return endingTunnels(new (https().Agent)(options));
  const { createSecureContext, getCACertificates } = process.getBuiltinModule('node:tls');
  // One for all connections: with `ca` among the options, each would parse all authorities again, 17 ms.
  const secureContext = createSecureContext({ ca: [...getCACertificates('default'), ca] });
  return endingTunnels(new (https().Agent)({ ...options, secureContext }));
}

/**
 * Node's agent knows a connection to a proxy only once its tunnel stands. One that is refused, or has no answer, it leaves
 * open, and with it the process.
 */
function endingTunnels(agent: Agent): Agent {
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
