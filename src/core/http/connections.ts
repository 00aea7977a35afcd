import type { Agent, ClientRequest, RequestOptions } from 'node:http';

/** What requests go out on: kept-alive connections, through a proxy where the environment names one. */
export interface Connections {
  /** Begins a request: `write` and `end` it, and listen for `response` and `error`. Redirects are answers like others. */
  request(url: URL, options: Pick<RequestOptions, 'method' | 'headers' | 'path'>): ClientRequest;
  /** Ends those that are idle. */
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

const PROXY_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];

/** Node's own client: it speaks HTTP, this chooses how. TLS is loaded with the first https URL, which takes it 20 ms. */
export function openConnections({ ca, proxyEnv, idleTimeoutMs }: ConnectionSettings): Connections {
  const options = {
    keepAlive: true,
    maxSockets: Number.POSITIVE_INFINITY,
    ...(idleTimeoutMs !== undefined && { timeout: idleTimeoutMs }),
    ...(PROXY_VARIABLES.some(name => proxyEnv?.[name]) && { proxyEnv }),
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
    request(url, request) {
      const { request: begin } = url.protocol === 'https:' ? https() : http();
      return begin(url, { ...request, agent: agentFor(url.protocol) });
    },
    close() {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

const http = () => process.getBuiltinModule('node:http');
const https = () => process.getBuiltinModule('node:https');

function secureAgent(options: object, ca: string | undefined): Agent {
  if (ca === undefined) return new (https().Agent)(options);
  const { createSecureContext, getCACertificates } = process.getBuiltinModule('node:tls');
  // One for all connections: with `ca` among the options, each would parse all authorities again, 17 ms.
  const secureContext = createSecureContext({ ca: [...getCACertificates('default'), ca] });
  return new (https().Agent)({ ...options, secureContext });
}
