import { describe, expect, test } from '@jest/globals';
import type { SharedCircuits } from '../../../src/core/delivery/shared-circuit.ts';
import type { State } from '../../../src/state/state.ts';
import { NOW } from './facts.ts';
import type { Stage } from './stage.ts';

function circuitsOf({ circuits }: State): SharedCircuits {
  if (!circuits) throw new Error('this state has no circuits');
  return circuits;
}

/** What the machines of a fleet know together of endpoints that do not answer. */
export function circuitsConform(stage: Stage): void {
  describe('the circuit of an endpoint', () => {
    const open = async () => {
      const circuits = circuitsOf(stage.state);
      const other = circuitsOf(await stage.open(22));
      await circuits.record('default', 'failing', NOW);
      return { circuits, other };
    };
    const isOpenUntil = async (circuits: SharedCircuits, now: number) => {
      const entry = await circuits.enter('default', now);
      if (typeof entry !== 'object') throw new Error(`it is not open: ${entry}`);
      return entry.openUntil;
    };

    test('is closed until a run fails; then it is open for every process, at that endpoint alone', async () => {
      const circuits = circuitsOf(stage.state);
      expect(await circuits.enter('default', NOW)).toBe('closed');
      await circuits.record('default', 'well', NOW);
      const { other } = await open();
      expect(await isOpenUntil(other, NOW)).toBe(NOW + 5_000);
      expect(await isOpenUntil(circuits, NOW + 4_999)).toBe(NOW + 5_000);
      expect(await other.enter('backup', NOW)).toBe('closed');
    });

    test('gives the probe to one process, and to the next one once it is given back', async () => {
      const { circuits, other } = await open();
      const later = NOW + 5_000;
      const entries = await Promise.all([circuits, other, circuits, other].map(one => one.enter('default', later)));
      expect(entries.filter(entry => entry === 'probe')).toHaveLength(1);
      expect(entries.filter(entry => typeof entry === 'object')).toHaveLength(3);
      await circuits.leave('default');
      await other.leave('default');
      expect(await other.enter('default', later)).toBe('probe');
      await circuits.leave('default');
      expect(await isOpenUntil(circuits, later)).toBeGreaterThan(later);
    });

    test('gives the probe of a process that ended, or that says nothing for long, to another one', async () => {
      const { circuits, other } = await open();
      const third = await stage.open(33);
      expect(await circuitsOf(third).enter('default', NOW + 5_000)).toBe('probe');
      expect(await isOpenUntil(other, NOW + 5_000)).toBeGreaterThan(NOW + 5_000);
      await third.close();
      expect(await other.enter('default', NOW + 5_000)).toBe('probe');
      expect(await circuits.enter('default', NOW + 5_000 + 120_000)).toBe('probe');
    });

    test('closes for all with the first good answer', async () => {
      const { circuits, other } = await open();
      expect(await circuits.enter('default', NOW + 5_000)).toBe('probe');
      await circuits.record('default', 'well', NOW + 5_000);
      expect(await other.enter('default', NOW + 5_000)).toBe('closed');
      await circuits.record('default', 'failing', NOW + 6_000);
      expect(await isOpenUntil(other, NOW + 6_000)).toBe(NOW + 11_000);
    });

    test('stays open for longer with each failure, a minute at most; runs that were under way count once', async () => {
      const { circuits, other } = await open();
      await other.record('default', 'failing', NOW + 1);
      let now = NOW;
      const pauses: number[] = [];
      for (let failures = 0; failures < 6; failures++) {
        const until = await isOpenUntil(other, now);
        pauses.push(until - now);
        now = until;
        expect(await circuits.enter('default', now)).toBe('probe');
        await circuits.record('default', 'failing', now);
      }
      expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    });

    test('is nothing that an operator has to do something about', async () => {
      await open();
      expect(await stage.state.endpoints.list()).toEqual([]);
      expect((await stage.state.overview.all({ limit: 9 })).endpoints).toEqual([]);
    });
  });
}
