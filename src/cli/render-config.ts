import type { ChalkInstance } from 'chalk';
import type { FileLocations } from '../config/locate-files.ts';
import type { LookedAt, Origin } from '../config/origins.ts';
import { printable, table } from './terminal/format.ts';

/** Each key with its value, where that comes from, and what it shadows. */
export function originLines(origins: readonly Origin[], paint: ChalkInstance): string[] {
  const rows = origins.map(({ path, source, shadows, ...origin }) => [
    path,
    valueText(origin),
    [source, ...(shadows.length > 0 ? [`(shadows ${shadows.join(', ')})`] : [])].join(' '),
  ]);
  return table([['key', 'value', 'from'], ...rows]).map((line, index) => (index === 0 ? paint.bold(line) : line));
}

/** A value in one line; of a secret only whether there is one. */
function valueText({ value, secret }: Pick<Origin, 'value' | 'secret'>): string {
  if (secret) return value === undefined || value === 'unset' ? 'unset' : 'set';
  if (value === undefined) return '-';
  return typeof value === 'string' ? printable(value) : JSON.stringify(value);
}

const LEVELS: Record<LookedAt['level'], string> = {
  user: 'your own',
  project: "this folder's",
  dotenv: "this folder's variables",
};

/** The files that were looked for, the weakest first, and where state and log are. */
export function locationLines({ files, stateDir, logFile }: FileLocations, paint: ChalkInstance): string[] {
  const rows = files.map(({ file, level, state }) => [`  ${state}`, LEVELS[level], printable(file)]);
  return [
    paint.bold('configuration, the strongest last:'),
    ...table(rows).map((line, index) => (files[index]?.state === 'used' ? paint.green(line) : line)),
    `${paint.bold('state folder:')} ${printable(stateDir)}`,
    `${paint.bold('log file:')}     ${printable(logFile)}`,
  ];
}
