import { describe, expect, test } from '@jest/globals';
import type { AlertTarget } from '../../../src/core/alerts/alert-book.ts';
import { ALERT_EVENTS, type Cause } from '../../../src/core/alerts/cause.ts';
import { HOUR, NOW } from './facts.ts';
import type { Stage } from './stage.ts';

const TO: AlertTarget = { id: 'chat', on: ALERT_EVENTS };
const LEASE = 90_000;
const HELD: Cause = { key: 'held:default', event: 'held', text: '2 webhooks are held', count: 2 };
const STUCK: Cause = { key: 'stuck:upload', event: 'stuck', text: 'an upload is stuck', count: null };

/** What was told to whom. */
export function alertBookConforms(stage: Stage): void {
  const note = (causes: readonly Cause[], now = NOW, to = TO) =>
    stage.state.alerts.note(to, causes, (event, { key, since }) => `${event} ${key} ${since}`, now);
  const take = (now = NOW, limit = 100) => stage.state.alerts.take(limit, LEASE, now);

  describe('the book of alerts', () => {
    test('queues one message for a cause, however often it is found, and one for its end', async () => {
      expect(await note([HELD])).toEqual({ begun: [HELD], ended: [] });
      expect(await note([{ ...HELD, count: 3, text: '3 webhooks are held' }], NOW + 1)).toEqual({
        begun: [],
        ended: [],
      });
      expect(await note([], NOW + HOUR)).toEqual({ begun: [], ended: [{ ...HELD, since: NOW }] });
      expect(await note([], NOW + HOUR)).toEqual({ begun: [], ended: [] });
      expect((await take(NOW + HOUR)).map(({ event, body }) => [event, body])).toEqual([
        ['held', `held held:default ${NOW}`],
        ['recovered', `recovered held:default ${NOW}`],
      ]);
    });

    test('tells a target only the events that it wants, and of an end only of what it was told', async () => {
      const held: AlertTarget = { id: 'held', on: ['held'] };
      const ends: AlertTarget = { id: 'ends', on: ['stuck', 'recovered'] };
      for (const causes of [[HELD, STUCK], []]) for (const to of [held, ends]) await note(causes, NOW, to);
      expect((await take()).map(({ target, event }) => [target, event])).toEqual([
        ['held', 'held'],
        ['ends', 'stuck'],
        ['ends', 'recovered'],
      ]);
    });

    test('gives a message to one process at a time, and to another one after the lease', async () => {
      await note([HELD, STUCK]);
      expect((await take(NOW, 1)).map(({ event }) => event)).toEqual(['held']);
      const [other] = await take();
      expect(other).toMatchObject({ target: 'chat', event: 'stuck', attempts: 0, createdAt: NOW });
      expect(await take(NOW + LEASE - 1)).toEqual([]);
      expect(await take(NOW + LEASE)).toHaveLength(2);
    });

    test('gives a message again when it is due, and none that has ended', async () => {
      const { alerts } = stage.state;
      await note([HELD]);
      const [message] = await take();
      await alerts.postpone(message!.id, NOW + HOUR);
      expect(await take(NOW + HOUR - 1)).toEqual([]);
      expect(await take(NOW + HOUR)).toMatchObject([{ id: message!.id, attempts: 1 }]);
      await alerts.end(message!.id);
      expect(await take(NOW + 9 * HOUR)).toEqual([]);
    });

    test('forgets targets that are not configured any more', async () => {
      await note([HELD]);
      await note([HELD], NOW, { ...TO, id: 'other' });
      await stage.state.alerts.keepOnly(['other']);
      expect((await take()).map(({ target }) => target)).toEqual(['other']);
      expect(await note([], NOW)).toEqual({ begun: [], ended: [] });
    });
  });
}
