import { homedir } from 'node:os';
import { join } from 'node:path';
import { findExecutable } from '../support/executables.ts';

/** Servers of the suite that not every machine has, by the program that starts them. */
const PROGRAMS = { minio: 'minio', moto: 'moto_server' } as const;

export type OptionalStore = keyof typeof PROGRAMS;
export const OPTIONAL_STORES = Object.keys(PROGRAMS) as OptionalStore[];

/** Where `install-stores.sh` puts what PATH does not have. */
const tools = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'recordupload-tests');

/** What starts a store; undefined where this machine does not have it. Without shims: those would outlive a kill. */
export function findStore(store: OptionalStore): readonly [string, ...string[]] | undefined {
  const path = [process.env.PATH, join(tools, 'bin'), join(tools, 'moto/bin')].join(':');
  return findExecutable(PROGRAMS[store], path)?.command;
}

/** @throws Error that says how to install a store which is not here */
export function needStore(store: OptionalStore): readonly [string, ...string[]] {
  const command = findStore(store);
  if (!command) throw new Error(`${PROGRAMS[store]} is not installed: bash test/contract/install-stores.sh`);
  return command;
}
