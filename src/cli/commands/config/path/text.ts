import type { ChalkInstance } from 'chalk';
import type { FileLocations } from '../../../../config/locate-files.ts';
import type { LookedAt } from '../../../../config/origins.ts';
import { printable } from '../../../../core/text.ts';
import { table } from '../../../terminal/format.ts';

const LEVELS: Record<LookedAt['level'], string> = {
  user: 'your own',
  project: "this folder's",
  dotenv: "this folder's variables",
};

/** The files that can hold configuration, the weakest first, and where the state and the log are. */
export function locationLines({ files, stateDir, logFile }: FileLocations, paint: ChalkInstance): string[] {
  const rows = files.map(({ file, level, state }) => [`  ${state}`, LEVELS[level], printable(file)]);
  return [
    paint.bold('configuration, the strongest last:'),
    ...table(rows).map((line, index) => (files[index]?.state === 'used' ? paint.green(line) : line)),
    `${paint.bold('state folder:')} ${printable(stateDir)}`,
    `${paint.bold('log file:')}     ${printable(logFile)}`,
  ];
}
