/** Counts wrong tokens: whoever has sent too many waits. */
export interface WrongTokens {
  /** How long an address has to wait before its next token is looked at, in milliseconds; 0: not at all. */
  waitMs(address: string): number;
  /** Notes that an address has sent a wrong one. */
  add(address: string): void;
}

const MOST = 10;
const WINDOW_MS = 60_000;
/** More addresses than that are all counted as one: nobody gets further tries by having many. */
const MOST_ADDRESSES = 1000;

/** Ten wrong tokens a minute from one address. */
export function countWrongTokens(now: () => number): WrongTokens {
  const times = new Map<string, number[]>();
  const keyOf = (address: string) => {
    const key = groupOf(address);
    return times.has(key) || times.size < MOST_ADDRESSES ? key : 'all others';
  };
  const recent = (key: string) => (times.get(key) ?? []).filter(at => at > now() - WINDOW_MS);
  return {
    waitMs(address) {
      const [first = 0, ...rest] = recent(keyOf(address)).slice(-MOST);
      return rest.length + 1 < MOST ? 0 : first + WINDOW_MS - now();
    },
    add(address) {
      for (const key of [...times.keys()]) if (recent(key).length === 0) times.delete(key);
      const key = keyOf(address);
      times.set(key, [...recent(key), now()].slice(-MOST));
    },
  };
}

/** Who has one IPv6 address usually has all that begin with the same 64 bits. */
function groupOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array(Math.max(0, zeros)).fill('0'), ...right].slice(0, 4).join(':');
}
