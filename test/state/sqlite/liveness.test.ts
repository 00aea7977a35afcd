import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { livingOwners, openLiveness } from '../../../src/state/sqlite/liveness.ts';
import { afterTest, startHelper, tempFolder } from './support.ts';

const HOUR = 3_600_000;

/** A process that takes its lock and is killed. Returns its id. */
function killedOwner(dir: string): string {
  const module = join(import.meta.dirname, '../../../src/state/sqlite/liveness.ts');
  const script = `import { openLiveness } from ${JSON.stringify(module)};
    console.log((await openLiveness(${JSON.stringify(dir)})).ownerId);
    process.kill(process.pid, 'SIGKILL');`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return stdout.trim();
}

describe('an owner', () => {
  test('is alive until it ends, for itself and for others', async () => {
    const dir = tempFolder();
    const [one, other] = [await openLiveness(dir), await openLiveness(dir)];
    expect([other.isAlive(one.ownerId), one.isAlive(one.ownerId)]).toEqual([true, true]);
    expect(livingOwners(dir).toSorted()).toEqual([one.ownerId, other.ownerId].toSorted());
    one.close();
    expect(other.isAlive(one.ownerId)).toBe(false);
    other.close();
    expect(livingOwners(dir)).toEqual([]);
  });

  test('that was killed is dead at once; its file is for prune to find, an hour later', async () => {
    const dir = tempFolder();
    const id = killedOwner(dir);
    const liveness = await openLiveness(dir);
    expect(liveness.isAlive(id)).toBe(false);
    expect(liveness.dead(Date.now())).toEqual([]);
    expect(liveness.dead(Date.now() + 2 * HOUR)).toEqual([id]);
    liveness.forget(id);
    liveness.close();
    expect(readdirSync(join(dir, 'owners')).filter(name => name.startsWith(id))).toEqual([]);
  });

  test('of whom nothing is left is dead, and asking makes no file', async () => {
    const dir = tempFolder();
    const liveness = await openLiveness(dir);
    expect(liveness.isAlive('a-process-that-is-no-more')).toBe(false);
    expect(readdirSync(join(dir, 'owners'))).toEqual([`${liveness.ownerId}.lock`]);
    liveness.close();
  });
});

describe('many processes that ask at the same time', () => {
  const PROCESSES = 6;
  const TIMES = 500;
  const ask = async (dir: string, owner: string) => {
    const probes = await Promise.all(
      Array.from({ length: PROCESSES }, () => startHelper('probe', dir, owner, String(TIMES))),
    );
    return (await Promise.all(probes.map(probe => probe.go()))).map(Number);
  };

  test('never take a dead owner for alive', async () => {
    const dir = tempFolder();
    expect(await ask(dir, killedOwner(dir))).toEqual(Array(PROCESSES).fill(0));
  });

  test('never take a living owner for dead', async () => {
    const dir = tempFolder();
    const liveness = await openLiveness(dir);
    afterTest(() => liveness.close());
    expect(await ask(dir, liveness.ownerId)).toEqual(Array(PROCESSES).fill(TIMES));
  });

  test('keep no owner from taking its lock', async () => {
    const dir = tempFolder();
    const lookers = await Promise.all(Array.from({ length: 3 }, () => startHelper('look', dir)));
    const owners = await Promise.all(Array.from({ length: 3 }, () => startHelper('own', dir, '200')));
    const results = await Promise.all([...lookers, ...owners].map(helper => helper.go()));
    expect(results.slice(3)).toEqual(['0', '0', '0']);
  });
});
