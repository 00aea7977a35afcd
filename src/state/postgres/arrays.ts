/*
 * Arrays as PostgreSQL reads them (`$names::text[]`): a statement's text stays the same however many there are.
 */

/** Any texts, for `::text[]`. */
export function textArray(texts: readonly string[]): string {
  return `{${texts.map(text => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

/** Whole numbers, for `::bigint[]`. */
export function numberArray(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}
