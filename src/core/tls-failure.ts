import { printableLine } from './text.ts';

/**
 * OpenSSL's reasons that stay until somebody changes an address or a server: it speaks no TLS on this port, or no version
 * of TLS that this machine does.
 */
const STAYS =
  /wrong.version.number|packet.length.too.long|http.request|unknown.protocol|unsupported.protocol|protocol.version|handshake.failure|no.shared|no.protocols/i;

/** `wrong version number` out of OpenSSL's `write EPROTO 40…:error:0A00010B:SSL routines:tls_…:wrong version number:../deps/…`. */
export function opensslReason(message: string): string {
  return printableLine(/:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message).trim();
}

/** True for a handshake that will fail again; false for one that a damaged packet or a closed connection has ended. */
export function staysInsecure(reason: string): boolean {
  return STAYS.test(reason);
}

/** True for the answer of a server that speaks TLS on this port to a request that came without: Go's, nginx', Apache's. */
export function wantsHttps(text: string): boolean {
  return /HTTP request (?:was sent )?to (?:an )?HTTPS (?:server|port)|plain HTTP to an SSL-enabled/i.test(text);
}
