/**
 * A process that opens a state, does one step of `crash-steps.ts`, and is killed. Arguments: which implementation, the
 * address of its state, the step.
 */
import { openState } from '../../../src/state/open.ts';
import { openDatabase } from '../../../src/state/postgres/database.ts';
import { postgresStateOver } from '../../../src/state/postgres/postgres-state.ts';
import { databaseOptions } from '../../../src/state/postgres/settings.ts';
import type { State } from '../../../src/state/state.ts';
import { CRASH_STEPS, type CrashStep } from './crash-steps.ts';

const fleetAt = (url: string) => ({ url, machine: 'studio', sharedFolders: false, program: 'test' });
const OPEN: Record<string, (address: string) => Promise<State>> = {
  sqlite: stateDir => openState(stateDir, { pid: 99 }),
  postgres: async url => postgresStateOver(await openDatabase(databaseOptions(fleetAt(url), 99))),
  fleet: async address => {
    const [stateDir = '', url = ''] = address.split(' ');
    return await openState(stateDir, { pid: 99, fleet: fleetAt(url) });
  },
};

const [implementation = '', address = '', step = ''] = process.argv.slice(2);
await CRASH_STEPS[step as CrashStep](await OPEN[implementation]!(address));
process.kill(process.pid, 'SIGKILL');
