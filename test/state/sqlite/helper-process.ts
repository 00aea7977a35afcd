/**
 * What another process does to a state; the first argument says what. Each prints `ready`, waits for a word on its standard
 * input, and prints its result.
 */
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { isOwnerAlive, livingOwners, openLiveness } from '../../../src/state/sqlite/liveness.ts';

const NO_PID = 0;

const WORK: Record<string, (...args: string[]) => Promise<unknown> | unknown> = {
  /** Holds a lock on a file until the word comes: `lock <file> <statements>`. */
  async lock(file = '', statements = '') {
    const database = new DatabaseSync(file);
    database.exec(statements);
    await ready();
    database.exec('COMMIT');
    database.close();
  },
  /** Asks again and again whether an owner is alive: `probe <stateDir> <owner> <times>`. Prints how often it is. */
  async probe(stateDir = '', owner = '', times = '') {
    await ready();
    let alive = 0;
    for (let i = 0; i < Number(times); i++) if (isOwnerAlive(stateDir, owner, NO_PID)) alive++;
    return alive;
  },
  /** Looks for all living owners until its parent ends it: `look <stateDir>`. */
  async look(stateDir = '') {
    await ready();
    for (let i = 0; i < 2000; i++) livingOwners(stateDir);
  },
  /** Takes its own lock and gives it back: `own <stateDir> <times>`. Prints how often it was not alive in between. */
  async own(stateDir = '', times = '') {
    await ready();
    let dead = 0;
    for (let i = 0; i < Number(times); i++) {
      const liveness = await openLiveness(stateDir);
      if (!livingOwners(stateDir).includes(liveness.ownerId)) dead++;
      liveness.close();
    }
    return dead;
  },
};

async function ready(): Promise<void> {
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
}

const [what = '', ...args] = process.argv.slice(2);
const result = await WORK[what]!(...args);
process.stdout.write(`${result ?? ''}\n`);
process.stdin.destroy();
