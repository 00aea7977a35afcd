import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';

/** Holds bytes back so that all uploads together keep to the rate limit. */
export interface Throttle {
  /** Resolves when `bytes` more may be sent. */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined;
  /** How many bytes to ask for at a time. */
  readonly sliceBytes: number;
}

/** From this minute of the day on (local time), this many bytes a second; undefined: no limit. */
export interface RateChange {
  minuteOfDay: number;
  bytesPerSecond: number | undefined;
}

/** How much is read and handed to a connection at a time. */
export const SLICE_BYTES = 256 * 1024;
const UNITS: Record<string, number> = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/**
 * Parses rclone's notation: `10M`, `512k` (KiB/s without a unit, as there), `off`, or a timetable
 * `08:00,512k 19:00,off`. https://rclone.org/docs/#bwlimit-bandwidth-spec
 * @throws AppError `USAGE`
 */
export function parseBandwidth(text: string): RateChange[] {
  const changes = text
    .trim()
    .split(/\s+/)
    .map(entry => {
      const [time, rate] = entry.includes(',') ? (entry.split(',', 2) as [string, string]) : ['00:00', entry];
      return { minuteOfDay: parseTime(time, text), bytesPerSecond: parseRate(rate, text) };
    });
  return changes.sort((a, b) => a.minuteOfDay - b.minuteOfDay);
}

function parseRate(rate: string, whole: string): number | undefined {
  if (rate.toLowerCase() === 'off') return undefined;
  const match = /^(\d+(?:\.\d+)?)([BKMGT])?(?:i?B?)?$/i.exec(rate);
  const bytes = match ? Number(match[1]) * (UNITS[(match[2] ?? 'K').toUpperCase()] as number) : 0;
  if (bytes < 1) throw badBandwidth(whole);
  return bytes;
}

function parseTime(time: string, whole: string): number {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(time);
  if (!match) throw badBandwidth(whole);
  return Number(match[1]) * 60 + Number(match[2]);
}

function badBandwidth(text: string): AppError {
  return new AppError('USAGE', `bwlimit: ${JSON.stringify(text)} is no rate`, {
    hint: 'write 10M (MiB/s), 512k (KiB/s), off, or a timetable such as "08:00,512k 19:00,off"',
  });
}

/** The rate in force at a moment: the latest change of the day, or else the last one of the day before. */
export function rateAt(changes: readonly RateChange[], at: Date): number | undefined {
  const minute = at.getHours() * 60 + at.getMinutes();
  return (changes.findLast(change => change.minuteOfDay <= minute) ?? changes.at(-1))?.bytesPerSecond;
}

export const unlimited: Throttle = { take: () => undefined, sliceBytes: SLICE_BYTES };

/** A throttle for the rates of `parseBandwidth`. Bytes are paid for in advance, so that no burst comes first. */
export function createThrottle(changes: readonly RateChange[], clock: Clock): Throttle {
  const slowest = Math.min(...changes.map(change => change.bytesPerSecond ?? Number.POSITIVE_INFINITY));
  if (slowest === Number.POSITIVE_INFINITY) return unlimited;
  /** When the bytes handed out so far will have been paid for. */
  let paidUntil = clock.monotonic();
  return {
    sliceBytes: Math.max(1024, Math.min(SLICE_BYTES, Math.floor(slowest / 20))),
    take(bytes, signal) {
      const rate = rateAt(changes, new Date(clock.now()));
      const now = clock.monotonic();
      if (rate === undefined) {
        paidUntil = now;
        return undefined;
      }
      paidUntil = Math.max(paidUntil, now) + (bytes / rate) * 1000;
      return clock.sleep(paidUntil - now, signal);
    },
  };
}
