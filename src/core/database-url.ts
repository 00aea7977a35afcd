/** How a connection is encrypted and whose certificate is accepted: libpq's `sslmode`. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** A server of the database. `host` beginning with `/` is the folder of a Unix socket. */
export interface DatabaseHost {
  host: string;
  port: number;
}

/** Where a PostgreSQL database is, out of a URL. */
export interface DatabaseUrl {
  /** In the order in which they are tried; at least one. */
  hosts: readonly DatabaseHost[];
  /** Undefined: the name of the user who runs the program. */
  user: string | undefined;
  password: string | undefined;
  /** Undefined: as the user. */
  database: string | undefined;
  /** Undefined: by host (`sslModeFor`). */
  sslMode: SslMode | undefined;
  /** File of certificates in PEM that are trusted; `system`: those of Node.js. */
  sslRootCert: string | undefined;
  sslCert: string | undefined;
  sslKey: string | undefined;
  /** False: a server that is a read-only standby is accepted, too. */
  mustWrite: boolean;
  connectTimeoutMs: number;
  applicationName: string | undefined;
}

/** A database's URL, or what is wrong with it, without anything of its content that may be a secret. */
export type ParsedDatabaseUrl = { ok: true; url: DatabaseUrl } | { ok: false; flaw: string };

const SSL_MODES: readonly string[] = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];
const DEFAULT_PORT = 5432;
const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;

/** What users paste who do not know that a URL escapes them. */
const ESCAPES = 'in a user, password or database write / as %2F, ? as %3F, @ as %40 and : as %3A';

/** Parameters that libpq knows and that have a meaning here. */
const PARAMETERS: readonly string[] = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'target_session_attrs',
  'connect_timeout',
  'application_name',
];

/**
 * Reads a URL as libpq does (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS):
 * `postgres://[user[:password]@][host[:port][,…]][/database][?parameter=value&…]`. Several hosts are tried in turn.
 */
export function parseDatabaseUrl(text: string): ParsedDatabaseUrl {
  try {
    return { ok: true, url: parse(text) };
  } catch (error) {
    if (error instanceof Flaw) return { ok: false, flaw: error.message };
    throw error;
  }
}

/** How to encrypt the connection to a host where the URL does not say: what leaves the machine has to be verified. */
export function sslModeFor(host: string, { sslMode }: Pick<DatabaseUrl, 'sslMode'>): SslMode {
  if (isSocket(host)) return 'disable';
  return sslMode ?? (isLoopback(host) ? 'prefer' : 'verify-full');
}

/** `db.example.com:5432, standby.example.com:5433`; never with a password. */
export function hostsText({ hosts }: Pick<DatabaseUrl, 'hosts'>): string {
  return hosts.map(hostText).join(', ');
}

/** `db.example.com:5432`, or the file of a Unix socket. */
export function hostText({ host, port }: DatabaseHost): string {
  if (isSocket(host)) return `${host}/.s.PGSQL.${port}`;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

class Flaw extends Error {}

const isSocket = (host: string) => host.startsWith('/');
const isLoopback = (host: string) => /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i.test(host);

function parse(text: string): DatabaseUrl {
  const [, authority, path, query = ''] = /^postgres(?:ql)?:\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text) ?? [];
  if (authority === undefined)
    throw new Flaw('must begin with postgres:// and name a server, as postgres://user@host/database');
  // What would be shown as the database's name is a part of the password.
  if (path?.includes('@')) throw new Flaw(`has an @ after the first / (${ESCAPES})`);
  const at = authority.lastIndexOf('@');
  const [user, ...rest] = at < 0 ? [] : authority.slice(0, at).split(':');
  const parameters = parametersIn(query);
  const named = parameters.get('host')?.split(',');
  const hosts = hostsIn(authority.slice(at + 1), named, parameters.get('port')?.split(','));
  const sslMode = parameters.get('sslmode');
  if (sslMode !== undefined && !SSL_MODES.includes(sslMode))
    throw new Flaw(`has an unknown sslmode (one of ${SSL_MODES.join(', ')})`);
  if (parameters.has('sslcert') !== parameters.has('sslkey'))
    throw new Flaw('has only one of sslcert and sslkey: a certificate needs its private key');
  const given = (part: string | undefined, parameter: string) =>
    parameters.get(parameter) ?? (part ? decoded(part) : undefined);
  return {
    hosts,
    user: given(user, 'user'),
    password: given(rest.length > 0 ? rest.join(':') : undefined, 'password'),
    database: given(path, 'dbname'),
    sslMode: sslMode as SslMode | undefined,
    sslRootCert: parameters.get('sslrootcert'),
    sslCert: parameters.get('sslcert'),
    sslKey: parameters.get('sslkey'),
    mustWrite: mustWrite(parameters.get('target_session_attrs')),
    connectTimeoutMs: timeout(parameters.get('connect_timeout')),
    applicationName: parameters.get('application_name'),
  };
}

function parametersIn(query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of query.split('&').filter(Boolean)) {
    const [name = '', ...value] = pair.split('=').map(decoded);
    if (!PARAMETERS.includes(name)) throw new Flaw(`has an unknown parameter (known are ${PARAMETERS.join(', ')})`);
    parameters.set(name, value.join('='));
  }
  return parameters;
}

function hostsIn(authority: string, named: string[] | undefined, ports: string[] | undefined): DatabaseHost[] {
  const portOf = (index: number) => port(ports?.[ports.length === 1 ? 0 : index]);
  if (named) return named.map((host, index) => ({ host: host || 'localhost', port: portOf(index) }));
  return authority.split(',').map((one, index) => {
    const [, bracketed, plain, given] = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d*))?$/.exec(one) ?? [];
    const host = bracketed ?? plain;
    if (host === undefined) throw new Flaw('has a host that is not one (an IPv6 address is written in brackets)');
    return { host: decoded(host) || 'localhost', port: given ? port(given) : portOf(index) };
  });
}

function port(text: string | undefined): number {
  if (!text) return DEFAULT_PORT;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw new Flaw(`has a port that is not between 1 and 65535 (${ESCAPES})`);
  return number;
}

function mustWrite(text: string | undefined): boolean {
  if (text === undefined || text === 'read-write' || text === 'primary') return true;
  if (text === 'any') return false;
  throw new Flaw('has a target_session_attrs that is not read-write, primary or any: the state is written');
}

function timeout(text: string | undefined): number {
  if (text === undefined) return DEFAULT_CONNECT_TIMEOUT_MS;
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1) throw new Flaw('has a connect_timeout that is not a number of seconds');
  return seconds * 1000;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Flaw('has a % that does not begin an escape (write % itself as %25)');
  }
}
