import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { Config } from '../../config/config.ts';
import { isLoopback } from '../../config/listen.ts';

/** Who sends a request, and over which way. */
export interface Caller {
  /** Its address, for counting wrong tokens. */
  address: string;
  /** It came encrypted: to us, or to a proxy that we trust. */
  isEncrypted: boolean;
}

type Settings = Pick<Config['dashboard'], 'listen' | 'tls' | 'trustedProxies' | 'url'>;

/** Answers who may ask, and under which names. */
export interface Door {
  /** Undefined: nobody who may connect. */
  callerOf(request: IncomingMessage): Caller | undefined;
  /** Whether the `Host` header names this dashboard: a page of another site that has our address under its own name does not. */
  isOwnHost(request: IncomingMessage): boolean;
}

export function openDoor({ listen, tls, trustedProxies, url }: Settings): Door {
  const proxies = addressesOf(trustedProxies);
  const publicHost = url === undefined ? undefined : new URL(url).host.toLowerCase();
  return {
    callerOf({ socket, headers }) {
      const address = plain(socket.remoteAddress ?? '');
      if (tls) return { address, isEncrypted: true };
      if (isIn(proxies, address)) {
        const forwarded = lastOf(headers['x-forwarded-for']);
        const isEncrypted = lastOf(headers['x-forwarded-proto']) === 'https';
        return { address: isIP(forwarded) ? plain(forwarded) : address, isEncrypted };
      }
      // Without TLS, only a trusted proxy and this machine may connect.
      return isLoopback(address) ? { address, isEncrypted: false } : undefined;
    },
    isOwnHost({ headers, socket }) {
      const host = headers.host?.toLowerCase();
      if (host === undefined) return false;
      const port = socket.localPort ?? 0;
      const own = isLoopback(listen.host) ? ['localhost', '127.0.0.1', '::1', listen.host] : ['localhost'];
      const names = [...own, plain(socket.localAddress ?? '')].map(name => (name.includes(':') ? `[${name}]` : name));
      const isUsualPort = port === (tls ? 443 : 80);
      return host === publicHost || names.some(name => host === `${name}:${port}` || (isUsualPort && host === name));
    },
  };
}

function addressesOf(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function isIn(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** `::ffff:10.0.0.1` is 10.0.0.1. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** The last entry is the one that the proxy itself has written; all before it anybody may have. */
function lastOf(header: string | string[] | undefined): string {
  return (
    String(header ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? ''
  );
}
