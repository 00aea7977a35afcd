import { AppError } from '../../core/errors.ts';
import { parseDuration } from '../../core/units.ts';

const TIME = /^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** Milliseconds of `90d`, `2h`, `1.5h`. @throws AppError `USAGE` */
export function parseAge(text: string, option: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new AppError('USAGE', `${option}: ${JSON.stringify(text)} is not a duration`, {
    hint: 'write it as 90d, 12h or 30m',
  });
}

/**
 * A moment as operators write it: `2h` or `3d` ago, or ISO 8601, which is local time without a time zone.
 * @returns milliseconds since 1970
 * @throws AppError `USAGE`
 */
export function parseMoment(text: string, option: string, nowMs: number): number {
  const ageMs = parseDuration(text.replace(/ ago$/, ''));
  if (ageMs !== undefined) return nowMs - ageMs;
  // JavaScript would read a date without a time as UTC.
  const ms = TIME.test(text) ? Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T')) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new AppError('USAGE', `${option}: ${JSON.stringify(text)} is not a time`, {
    hint: 'write it as 2h or 3d (ago), 2026-01-31, or 2026-01-31T14:00 (local time, unless it ends with Z or a zone)',
  });
}

/** A moment for people, in local time: `2026-01-31 14:00:05`. */
export function formatMoment(ms: number): string {
  return new Date(ms).toLocaleString('sv-SE');
}
