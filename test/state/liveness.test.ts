import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { livingOwners, openLiveness } from '../../src/state/sqlite/liveness.ts';

const HOUR = 3_600_000;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'recordupload-liveness-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A process that takes its lock and is killed. Returns its id. */
function killedOwner(): string {
  const module = join(import.meta.dirname, '../../src/state/sqlite/liveness.ts');
  const script = `import { openLiveness } from ${JSON.stringify(module)};
    console.log(openLiveness(${JSON.stringify(dir)}).ownerId);
    process.kill(process.pid, 'SIGKILL');`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return stdout.trim();
}

describe('an owner', () => {
  it('is alive until it ends, for itself and for others', () => {
    const [one, other] = [openLiveness(dir), openLiveness(dir)];
    expect([other.isAlive(one.ownerId), one.isAlive(one.ownerId)]).toEqual([true, true]);
    expect(livingOwners(dir).toSorted()).toEqual([one.ownerId, other.ownerId].toSorted());
    one.close();
    expect(other.isAlive(one.ownerId)).toBe(false);
    other.close();
    expect(livingOwners(dir)).toEqual([]);
  });

  it('that was killed is dead at once; its file is for prune to find, an hour later', () => {
    const id = killedOwner();
    const liveness = openLiveness(dir);
    expect(liveness.isAlive(id)).toBe(false);
    expect(liveness.dead(Date.now())).toEqual([]);
    expect(liveness.dead(Date.now() + 2 * HOUR)).toEqual([id]);
    liveness.forget(id);
    liveness.close();
    expect(readdirSync(join(dir, 'owners')).filter(name => name.startsWith(id))).toEqual([]);
  });
});
