import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { plainAddress } from './receiver/ip-allow-list.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Why a request may come from a web page, in one line; undefined where no browser page can have made it.
 *
 * Two ways lead from a page to a server on the same machine. A page of any site can send requests to 127.0.0.1, and
 * browsers mark them with `Origin` or `Sec-Fetch-Site`. A page whose own host name was pointed at 127.0.0.1 (DNS
 * rebinding) counts as same-origin, and only the `Host` header gives it away.
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
export function foreignCaller({ headers, socket }: IncomingMessage): string | undefined {
  if (headers.origin !== undefined) return 'requests from web pages are refused here (Origin)';
  // `none`: a person typed the address.
  if ((headers['sec-fetch-site'] ?? 'none') !== 'none') {
    return 'requests from web pages are refused here (Sec-Fetch-Site)';
  }
  const host = hostName(headers.host ?? '');
  const isOwn = host === 'localhost' || isLoopback(host) || host === plainAddress(socket.localAddress ?? '');
  return isOwn ? undefined : 'use the address that the sandbox printed: another Host is refused here';
}

/** A `Host` header without its port, an IPv6 address without its brackets. */
function hostName(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

function isLoopback(host: string): boolean {
  return isIP(host) !== 0 && LOOPBACK.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}
