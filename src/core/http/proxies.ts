import type { BlockList } from 'node:net';
import { domainToASCII } from 'node:url';
import { AppError } from '../errors.ts';

/** Loaded when a proxy is configured: the module takes 3 ms, and few machines have a proxy. */
const net = () => process.getBuiltinModule('node:net');

type Environment = Readonly<Record<string, string | undefined>>;

/** A proxy that requests go through. */
export interface HttpProxy {
  /** May contain a password. */
  url: URL;
  /** The variable of the environment that names it: `HTTPS_PROXY`. */
  variable: string;
}

/** The variables that count for a kind of URL; the first that has a value wins, as in curl. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'https:': ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
  'http:': ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'],
};

/**
 * Decides how a URL is reached: the one place for S3, webhooks, sign-in services and `doctor`. This machine itself is
 * never reached through a proxy: the proxy would look for the server on its own machine, and would see the token.
 * @returns undefined: directly
 * @throws AppError `CONFIG` for a value that is not the address of a proxy, or of a kind that we do not speak, such as
 * SOCKS; it may contain a password, so the message does not show it
 */
export function proxyFor(url: URL, env: Environment | undefined): HttpProxy | undefined {
  const variable = VARIABLES[url.protocol]?.find(name => env?.[name]?.trim());
  if (!env || variable === undefined || isLoopback(url) || isExcepted(url, env.no_proxy || env.NO_PROXY || '')) {
    return undefined;
  }
  return { url: parseProxy(variable, env[variable]?.trim() ?? '', url), variable };
}

/** The passwords of all proxies that the environment names, used or not. */
export function proxyPasswords(env: Environment): string[] {
  const values = Object.values(VARIABLES).flatMap(names => names.map(name => env[name] ?? ''));
  return [...new Set(values)].flatMap(value => {
    const [, password] = /^(?:[^/]*\/\/)?[^:@/]*:(.+)@/.exec(value) ?? [];
    return password === undefined ? [] : [password, decoded(password)];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** True for addresses and names of this machine itself. https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
export function isLoopback(url: URL): boolean {
  const host = hostOf(url);
  return net().isIP(host) ? loopbackAddresses().check(host, familyOf(host)) : /(?:^|\.)localhost$/.test(host);
}

// Node compares IPv4 addresses in the notation of IPv6 (`::ffff:127.0.0.1`), too.
let loopback: BlockList | undefined;

function loopbackAddresses(): BlockList {
  if (loopback) return loopback;
  const list = new (net().BlockList)();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('::1', 'ipv6');
  loopback = list;
  return list;
}

/** As in most programs, `proxy:3128` is an address too. */
function parseProxy(variable: string, value: string, { hostname }: URL): URL {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') {
    throw new AppError('CONFIG', `${variable}: ${scheme.slice(0, 20)}:// proxies are not supported`, {
      hint: `use a proxy of the kind http:// or https://, or list ${hostname} in NO_PROXY to reach it directly`,
    });
  }
  try {
    const url = new URL(scheme === undefined ? `http://${value}` : value);
    decodeURIComponent(url.username + url.password);
    return url;
  } catch {
    throw new AppError('CONFIG', `${variable}: expected the address of a proxy (the value is not shown)`, {
      hint: 'as in http://proxy.example:3128; characters of a password such as "@" and "%" are written %40 and %25',
    });
  }
}

/** Whether `NO_PROXY` names the server. */
function isExcepted(url: URL, list: string): boolean {
  return list.split(/[\s,]+/).some(entry => entry !== '' && covers(entry.toLowerCase(), url));
}

/**
 * `*`, a name (with its subdomains, as in curl), `.suffix`, `*.suffix` (subdomains alone), an address, a range of
 * addresses (`10.0.0.0/8`, `fd00::/8`, `10.0.0.1-10.0.0.9`); each with or without a port.
 */
function covers(entry: string, url: URL): boolean {
  if (entry === '*') return true;
  const host = hostOf(url);
  // Colons that are not in brackets belong to an IPv6 address, unless there is only one.
  const [, inBrackets, bare, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  if (port !== undefined && Number(port) !== portOf(url)) return false;
  const name = inBrackets ?? bare ?? entry;
  const addresses = addressesOf(name);
  if (addresses) return net().isIP(host) !== 0 && addresses.check(host, familyOf(host));
  const domain = domainToASCII(name.replace(/^\*?\./, '').replace(/\.$/, ''));
  if (domain === '') return false;
  return host.endsWith(`.${domain}`) || (host === domain && !name.startsWith('*'));
}

/** Undefined if the entry is a name. */
function addressesOf(entry: string): BlockList | undefined {
  const [first = '', bits] = entry.split('/');
  const [from = '', to] = first.split('-');
  if (!net().isIP(from)) return undefined;
  const list = new (net().BlockList)();
  try {
    if (bits !== undefined) list.addSubnet(from, Number(bits), familyOf(from));
    else if (to !== undefined) list.addRange(from, to, familyOf(from));
    else list.addAddress(from, familyOf(from));
  } catch {
    // An impossible range covers nothing.
  }
  return list;
}

/** Without brackets, and without the dot at the end that DNS allows. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return net().isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}
