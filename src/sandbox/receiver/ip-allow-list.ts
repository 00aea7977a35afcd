import { BlockList, isIP } from 'node:net';

/**
 * Who may call: addresses and CIDR ranges, IPv4 and IPv6. An IPv4 address that arrives as IPv6 (`::ffff:…`) counts as
 * IPv4.
 * @throws Error naming the entry that is neither
 */
export function ipAllowList(entries: string[]): (address: string) => boolean {
  // node:net names the class for its usual use; here it is the list of those let in.
  const allowed = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix, ...rest] = entry.trim().split('/');
    const family = familyOf(address);
    const bits = prefix === undefined ? undefined : Number(prefix);
    if (!family || rest.length > 0 || (prefix !== undefined && !isPrefix(prefix, family))) {
      throw new Error(`IP allow-list: ${JSON.stringify(entry)} is neither an address nor a CIDR range`);
    }
    if (bits === undefined) allowed.addAddress(address, family);
    else allowed.addSubnet(address, bits, family);
  }
  return address => {
    const plain = plainAddress(address);
    const family = familyOf(plain);
    return family !== undefined && allowed.check(plain, family);
  };
}

/** An address as people write it: an IPv4 address that a socket shows as `::ffff:192.0.2.1` without that prefix, IPv6 without a zone. */
export function plainAddress(address: string): string {
  const [bare = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  return mapped ?? bare;
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6';
}

function isPrefix(text: string, family: 'ipv4' | 'ipv6'): boolean {
  return /^\d{1,3}$/.test(text) && Number(text) <= (family === 'ipv4' ? 32 : 128);
}
