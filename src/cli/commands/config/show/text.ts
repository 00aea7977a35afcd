import type { ChalkInstance } from 'chalk';
import type { Origin } from '../../../../config/origins.ts';
import { printable, printableJson } from '../../../../core/text.ts';
import { table } from '../../../terminal/format.ts';

/** Each key with its value, the source of that, and the sources that it overrides. */
export function originLines(origins: readonly Origin[], paint: ChalkInstance): string[] {
  const rows = origins.map(({ path, source, shadows, trust = '-', ...origin }) => [
    path,
    valueText(origin),
    trust,
    printable([source, ...(shadows.length > 0 ? [`(shadows ${shadows.join(', ')})`] : [])].join(' ')),
  ]);
  return table([['key', 'value', 'trust', 'from'], ...rows]).map((line, index) =>
    index === 0 ? paint.bold(line) : line,
  );
}

/** A value in one line; of a secret only whether it is set. */
function valueText({ value, secret }: Pick<Origin, 'value' | 'secret'>): string {
  if (secret) return value === undefined || value === 'unset' ? 'unset' : 'set';
  if (value === undefined) return '-';
  return typeof value === 'string' ? printable(value) : printableJson(value);
}
