/**
 * The contract's forms of time. An instant is a bigint of microseconds since 1970: the contract has six digits, which neither
 * `Date` nor a JavaScript number of milliseconds can keep.
 */
export type Microseconds = bigint;

const FORM =
  /^(\d{4})-(\d{2})-(\d{2})[ Tt](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d{2}(?::?\d{2})?)?$/;
const LAST_YEAR_END: Microseconds = 253_402_300_800_000_000n;

/** What the parser accepts, for messages. */
export const TIMESTAMP_HINT = 'write it as 2025-10-25 01:55:59 (UTC) or 2025-10-24T21:55:59-04:00';

/**
 * Parses the contract's `YYYY-MM-DD HH:MM:SS.ffffff` (UTC) and ISO 8601 with or without a zone; without one it is UTC,
 * as in the contract. Numbers are refused: seconds and milliseconds since 1970 cannot be told apart with certainty.
 * @returns undefined if the text is not such a time or is outside of 1970–9999
 */
export function parseTimestamp(text: string): Microseconds | undefined {
  const match = FORM.exec(text.trim());
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone = 'Z'] = match;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const wallMs = Date.parse(iso);
  // Date.parse reads some dates that do not exist (30 February, 24:00) as the following day.
  if (Number.isNaN(wallMs) || new Date(wallMs).toISOString() !== iso) return undefined;
  const offsetMinutes = parseZone(zone);
  if (offsetMinutes === undefined) return undefined;
  const instant = BigInt(wallMs - offsetMinutes * 60_000) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
  return instant >= 0n && instant < LAST_YEAR_END ? instant : undefined;
}

function parseZone(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0;
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** The contract's `created_at`: UTC, `YYYY-MM-DD HH:MM:SS.ffffff`. */
export function formatUtc(instant: Microseconds): string {
  return `${dateOf(instant).toISOString().slice(0, 19).replace('T', ' ')}.${sixDigits(instant)}`;
}

/** The contract's `upload_timestamp`: this machine's time, `YYYY-MM-DDTHH:MM:SS.ffffff`, no zone. */
export function formatLocal(instant: Microseconds): string {
  const date = dateOf(instant);
  return `${localDay(date)}T${localMinute(date)}:${two(date.getSeconds())}.${sixDigits(instant)}`;
}

/** The title of a recording that has none: `Meeting YYYY-MM-DD HH:MM`, this machine's time of the start. */
export function defaultTitle(start: Microseconds): string {
  const date = dateOf(start);
  return `Meeting ${localDay(date)} ${localMinute(date)}`;
}

/** Wall-clock milliseconds, with or without a fraction, as an instant. */
export function fromMilliseconds(ms: number): Microseconds {
  return BigInt(Math.round(ms * 1000));
}

const dateOf = (instant: Microseconds) => new Date(Number(instant / 1000n));
const sixDigits = (instant: Microseconds) => String(instant % 1_000_000n).padStart(6, '0');
const two = (number: number) => String(number).padStart(2, '0');
const localDay = (date: Date) =>
  `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
const localMinute = (date: Date) => `${two(date.getHours())}:${two(date.getMinutes())}`;
