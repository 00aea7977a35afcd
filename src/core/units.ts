/**
 * Durations, sizes and rates as people write and read them: the one grammar of configuration, command line and messages.
 * Parsers return undefined for text that is none; the caller says what was expected, and where.
 */

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const AMOUNT = String.raw`\d+(?:\.\d+)?`;
const DURATION = new RegExp(`^(?:${AMOUNT} ?(?:ms|min|[smhdw]) ?)+$`);
const DURATION_PARTS = new RegExp(`(${AMOUNT}) ?(ms|min|[smhdw])`, 'g');
/** A century: dates that far back or ahead are still dates. */
const LONGEST_MS = 36_525 * 86_400_000;

/** Milliseconds of `90s`, `1h30m`, `1.5 h` or `3 min 20 s` (units ms, s, m or min, h, d, w). */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (!DURATION.test(trimmed)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit = ''] of trimmed.matchAll(DURATION_PARTS))
    totalMs += Number(amount) * (UNITS_MS[unit] ?? 0);
  return totalMs <= LONGEST_MS ? Math.round(totalMs) : undefined;
}

/** From this minute of the day on (local time), this many bytes a second; undefined: no limit. */
export interface RateChange {
  minuteOfDay: number;
  bytesPerSecond: number | undefined;
}

const SIZES: Readonly<Record<string, number>> = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };
const SIZE = /^(\d+(?:\.\d+)?)(?:(B)|([KMGT])(?:iB?|B)?)?$/i;
const TIME_OF_DAY = /^([01]?\d|2[0-3]):([0-5]\d)$/;

/**
 * A rate limit in rclone's notation: `10M` (MiB/s), `512k` or `512` (KiB/s), `300B`, `off`, or a timetable of such
 * rates, `08:00,512k 19:00,off`. Returns the changes in the order of the day. Not a rate limit: less than a byte a
 * second, and two rates for one time. https://rclone.org/docs/#bwlimit-bandwidth-spec
 */
export function parseRateLimit(text: string): RateChange[] | undefined {
  const entries = text.trim().split(/\s+/);
  if (entries.length === 1 && !text.includes(',')) entries[0] = `00:00,${entries[0]}`;
  const changes: RateChange[] = [];
  for (const entry of entries) {
    const [time = '', rate = '', ...more] = entry.split(',');
    const [, hours, minutes] = TIME_OF_DAY.exec(time) ?? [];
    const bytesPerSecond = rate.toLowerCase() === 'off' ? undefined : parseSize(rate);
    if (hours === undefined || bytesPerSecond === 0 || Number.isNaN(bytesPerSecond) || more.length > 0)
      return undefined;
    changes.push({ minuteOfDay: Number(hours) * 60 + Number(minutes), bytesPerSecond });
  }
  const times = new Set(changes.map(change => change.minuteOfDay));
  return times.size === changes.length ? changes.sort((a, b) => a.minuteOfDay - b.minuteOfDay) : undefined;
}

/** Whole bytes; KiB without a unit, as rclone has it. NaN: it is no size. */
function parseSize(text: string): number {
  const [, amount, bytes, unit = 'K'] = SIZE.exec(text) ?? [];
  const size = Math.floor(Number(amount) * (SIZES[(bytes ?? unit).toUpperCase()] ?? 0));
  return Number.isSafeInteger(size) ? size : Number.NaN;
}

/** How many requests a client may send in a span of time: `10/s`, `100/m`, `1000/h`. */
export function parseRequestRate(text: string): { requests: number; windowMs: number } | undefined {
  const [, requests, unit = ''] = /^([1-9]\d{0,5})\/([smh])$/.exec(text.trim()) ?? [];
  return requests === undefined ? undefined : { requests: Number(requests), windowMs: UNITS_MS[unit] ?? 0 };
}

/** Bytes for people: `0 B`, `12.3 MB`. Decimal units, as disks and lines are sold. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A span of time for people: `0.3 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. `parseDuration` reads it, too. */
export function formatDuration(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return joined(seconds, 60, 'min', 's');
  if (seconds < 86_400) return joined(Math.round(seconds / 60), 60, 'h', 'min');
  return joined(Math.round(seconds / 3600), 24, 'd', 'h');
}

function joined(value: number, per: number, large: string, small: string): string {
  const rest = value % per;
  return `${Math.floor(value / per)} ${large}${rest ? ` ${rest} ${small}` : ''}`;
}
