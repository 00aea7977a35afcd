import { AppError } from '../../core/errors.ts';

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
const AGE = /^(\d{1,6}(?:\.\d{1,3})?) ?([smhdw])$/;
const TIME = /^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** Milliseconds of `90d`, `2h`, `1.5h`. @throws AppError `USAGE` */
export function parseAge(text: string, option: string): number {
  const [, amount, unit = ''] = AGE.exec(text) ?? [];
  if (amount !== undefined) return Number(amount) * (UNITS_MS[unit] ?? 0);
  throw new AppError('USAGE', `${option}: ${JSON.stringify(text)} is no span of time`, {
    hint: 'write it as 90d, 12h or 30m',
  });
}

/**
 * A moment as operators write it: `2h` or `3d` ago, or ISO 8601, in local time where no zone is given (as the tool shows
 * times).
 * @returns milliseconds since 1970
 * @throws AppError `USAGE`
 */
export function parseMoment(text: string, option: string, nowMs: number): number {
  const age = text.replace(/ ago$/, '');
  if (AGE.test(age)) return nowMs - parseAge(age, option);
  // A date alone would count as UTC in JavaScript.
  const ms = TIME.test(text) ? Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T')) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new AppError('USAGE', `${option}: ${JSON.stringify(text)} is no time`, {
    hint: 'write it as 2h or 3d (ago), 2026-01-31, or 2026-01-31T14:00 (local time, unless it ends with Z or a zone)',
  });
}

/** A moment for people, in local time: `2026-01-31 14:00:05`. */
export function formatMoment(ms: number): string {
  return new Date(ms).toLocaleString('sv-SE');
}
