import type { Config } from '../config/config.ts';
import { AppError } from '../core/errors.ts';
import type { Overview } from '../core/status/overview.ts';
import type { Machine } from '../core/status/worker.ts';
import { printable } from '../core/text.ts';

/** The machines that share the state. */
export interface FleetView {
  /** The machine that asks. */
  self: string;
  /** A path is the same folder on every machine, so that any of them resumes what a dead one has left. */
  sharedFolders: boolean;
  /** By name; only the one that was asked for, where one was. One that has not uploaded anything yet need not be here. */
  machines: Machine[];
}

/**
 * The machines that share the state, or the one of them that was asked for.
 * @param only name of a machine
 * @returns undefined: the state is of this machine alone
 * @throws AppError `USAGE` if there is no machine of that name, `STATE` also where only the database, which is away, knows
 */
export async function fleetView(
  overview: (Pick<Overview, 'machines'> & { alone?(): string | undefined }) | undefined,
  { stateUrl, machine: self, sharedFolders }: Pick<Config, 'stateUrl' | 'machine' | 'sharedFolders'>,
  only: string | undefined,
): Promise<FleetView | undefined> {
  if (stateUrl === undefined) {
    if (only === undefined) return undefined;
    throw new AppError('USAGE', '--machine needs a state that several machines share, and this one is in a file', {
      hint: 'leave it out; docs/configuration.md says how machines share their state (stateUrl)',
    });
  }
  const all = (await overview?.machines()) ?? [];
  const machines = only === undefined ? all : all.filter(({ name }) => name === only);
  if (only !== undefined && machines.length === 0 && only !== self) {
    if (overview?.alone?.() !== undefined) throw notKnownHere(only);
    throw unknownMachine(only, all, self);
  }
  return { self, sharedFolders, machines };
}

function notKnownHere(name: string): AppError {
  return new AppError('STATE', `what machine ${JSON.stringify(printable(name))} has done is not known here`, {
    hint: "run the command again once the state's database is back: recordupload doctor checks it",
  });
}

function unknownMachine(name: string, machines: readonly Machine[], self: string): AppError {
  const known = [...new Set([...machines.map(one => one.name), self])].sort();
  return new AppError('USAGE', `no machine of the fleet is called ${JSON.stringify(printable(name))}`, {
    hint: `known: ${known.map(one => printable(one)).join(', ')}`,
  });
}
