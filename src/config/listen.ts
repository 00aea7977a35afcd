import { isIP } from 'node:net';

/** Where a server listens. */
export interface ListenAddress {
  /** An IP address (without brackets), or `localhost`. */
  host: string;
  /** 0: any free one. */
  port: number;
}

/** `127.0.0.1:8707`, `[::1]:8707`, `localhost:8707`, or the port alone, on 127.0.0.1; undefined: none of these. */
export function parseListen(text: string): ListenAddress | undefined {
  const [, bracketed, plain, port = ''] = /^(?:(?:\[([^\]]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text.trim()) ?? [];
  const host = (bracketed ?? plain ?? '127.0.0.1').toLowerCase();
  if (port === '' || Number(port) > 65_535) return undefined;
  const isValid = bracketed === undefined ? isIP(host) === 4 || host === 'localhost' : isIP(host) === 6;
  return isValid ? { host, port: Number(port) } : undefined;
}

/** True where only programs on this machine can reach it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(host);
}
