import { beforeEach, describe, expect, test } from '@jest/globals';
import type { RecordingId } from '../../../src/core/recording/recording.ts';
import type { RecordingsFilter } from '../../../src/core/status/pages.ts';
import { claimAll, enqueue, FACTS, FILE_REF, hold, NOW, OBJECT, RECORDING, TARGET } from './facts.ts';
import type { Stage } from './stage.ts';

const MINUTE = 60_000;

/** Long lists, page by page, and what was finished since. */
export function pagesConform(stage: Stage): void {
  describe('pages', () => {
    /** Recordings 1 to 5, the first touched first; 4 is partial, all others done. */
    beforeEach(async () => {
      const { journal } = stage.state;
      for (const [index, title] of ['Standup', '100 % done', 'STANDUP again', 'Retro', 'a_b'].entries()) {
        const id = String(index + 1) as RecordingId;
        await journal.begin(
          TARGET,
          { ...RECORDING, id, details: { ...RECORDING.details, title } },
          { webhooks: true, now: NOW },
        );
        const state = id === '4' ? 'partial' : 'done';
        await journal.finish({ target: TARGET, recordingId: id }, { state, error: null, now: NOW + index });
      }
    });
    const idsOf = async (filter: Omit<RecordingsFilter, 'limit'> & { limit?: number }) =>
      (await stage.state.overview.recordingsPage({ limit: 9, ...filter })).entries.map(({ id }) => id);

    test('recordings come page by page, none twice and none left out', async () => {
      const { overview } = stage.state;
      const first = await overview.recordingsPage({ limit: 2 });
      const second = await overview.recordingsPage({ limit: 2, after: first.next });
      const third = await overview.recordingsPage({ limit: 2, after: second.next });
      expect([first, second, third].map(({ entries }) => entries.map(({ id }) => id))).toEqual([
        ['5', '4'],
        ['3', '2'],
        ['1'],
      ]);
      expect(third.next).toBeUndefined();
    });

    test('those that were touched at the same moment are not lost between pages', async () => {
      const { journal, overview } = stage.state;
      for (const id of ['1', '2', '3', '4', '5'] as RecordingId[])
        await journal.finish({ target: TARGET, recordingId: id }, { state: 'done', error: null, now: NOW });
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await overview.recordingsPage({ limit: 1, after });
        seen.push(...page.entries.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);
      expect(seen.toSorted()).toEqual(['1', '2', '3', '4', '5']);
    });

    test('text is looked for in IDs and titles, in either case; wildcards are characters like any other', async () => {
      expect(await idsOf({ text: 'standup' })).toEqual(['3', '1']);
      expect(await idsOf({ text: '%' })).toEqual(['2']);
      expect(await idsOf({ text: '_' })).toEqual(['5']);
      expect(await idsOf({ text: '!' })).toEqual([]);
      expect(await idsOf({ text: '4' })).toEqual(['4']);
      expect(await idsOf({ text: "'; DROP TABLE recordings" })).toEqual([]);
    });

    test('text is looked for in so many at a time, and in all of them page by page; the page says how far', async () => {
      const { overview } = stage.state;
      const search = { text: 'standup', limit: 9, searchAtMost: 2 };
      const first = await overview.recordingsPage(search);
      expect([first.entries, first.searchedTo]).toEqual([[], NOW + 3]);
      const second = await overview.recordingsPage({ ...search, after: first.next });
      expect([second.entries.map(({ id }) => id), second.searchedTo]).toEqual([['3'], NOW + 1]);
      const third = await overview.recordingsPage({ ...search, after: second.next });
      expect([third.entries.map(({ id }) => id), third.searchedTo, third.next]).toEqual([['1'], undefined, undefined]);
    });

    test('an ID is found wherever it is; a page that is full goes on where it ended', async () => {
      const { overview } = stage.state;
      const exact = await overview.recordingsPage({ text: '1', limit: 9, searchAtMost: 2 });
      expect([exact.entries.map(({ id }) => id), exact.searchedTo]).toEqual([['1'], NOW + 3]);
      expect(await idsOf({ text: '1', searchAtMost: 2, state: 'partial' })).toEqual([]);
      const full = await overview.recordingsPage({ text: 'e', limit: 1, searchAtMost: 4 });
      expect([full.entries.length, full.searchedTo, full.next]).toEqual([1, undefined, expect.any(String)]);
    });

    test('text in as many recordings as are looked at is looked for in all of them', async () => {
      const { entries, next, searchedTo } = await stage.state.overview.recordingsPage({
        text: 'standup',
        limit: 9,
        searchAtMost: 5,
      });
      expect([entries.map(({ id }) => id), next, searchedTo]).toEqual([['3', '1'], undefined, undefined]);
    });

    test('state and time narrow, also together with text', async () => {
      expect(await idsOf({ state: 'partial' })).toEqual(['4']);
      expect(await idsOf({ since: NOW + 1, until: NOW + 3 })).toEqual(['3', '2']);
      expect(await idsOf({ state: 'done', text: 'standup', since: NOW + 1 })).toEqual(['3']);
    });

    test('a place that no page has given counts as the beginning', async () => {
      for (const after of ['', 'x', '1', '1.', `${'9'.repeat(40)}.1`])
        expect(await idsOf({ after })).toEqual(['5', '4', '3', '2', '1']);
    });

    test('webhooks come page by page with what the last try failed with', async () => {
      const { state } = stage;
      for (const id of [1, 2, 3]) await enqueue(state, id, { endpoints: ['default', 'ops'] });
      for (const [index, delivery] of (await claimAll(state)).entries()) await hold(state, delivery, NOW + index);
      const page = await state.overview.deliveriesPage({ state: 'held', limit: 2 });
      expect(page.entries).toMatchObject([
        { recordingId: '3', endpoint: 'default', state: 'held', heldReason: 'rejected', attempts: 1, nextAt: null },
        { recordingId: '2', error: 'no e-mail', status: 400, heldAt: NOW + 1 },
      ]);
      const rest = await state.overview.deliveriesPage({ state: 'held', limit: 2, after: page.next });
      expect(rest).toMatchObject({ entries: [{ recordingId: '1' }], next: undefined });
      const waiting = await state.overview.deliveriesPage({ state: 'waiting', endpoint: 'ops', limit: 9 });
      expect(waiting.entries.map(one => [one.recordingId, one.state, one.nextAt, one.error])).toEqual([
        ['1', 'waiting', NOW, null],
        ['2', 'waiting', NOW, null],
        ['3', 'waiting', NOW, null],
      ]);
      const one = await state.overview.deliveriesPage({ state: 'waiting', recordingId: '2', limit: 9 });
      expect(one.entries).toHaveLength(1);
      expect((await state.overview.deliveriesPage({ state: 'held', endpoint: 'ops', limit: 9 })).entries).toEqual([]);
    });

    test('what was finished is counted, and bytes by the minute in which they arrived', async () => {
      const { journal, overview } = stage.state;
      const arrive = (id: string, now: number) =>
        journal.fileUploaded({ ...FILE_REF, recordingId: id as RecordingId }, FACTS, OBJECT, { now, sentBytes: 0 });
      await arrive('1', NOW);
      await arrive('2', NOW + MINUTE);
      await arrive('3', NOW + MINUTE + 1);
      const { sizeBytes } = FACTS;
      expect(await overview.activity({ doneSince: NOW + 2, bytesSince: NOW })).toEqual({
        done: 2,
        minutes: [
          { minute: NOW / MINUTE, bytes: sizeBytes },
          { minute: NOW / MINUTE + 1, bytes: 2 * sizeBytes },
        ],
      });
      expect(await overview.activity({ doneSince: NOW + 9, bytesSince: NOW + 1 })).toMatchObject({
        done: 0,
        minutes: [{ bytes: 2 * sizeBytes }],
      });
    });

    test('endpoints are known by their state', async () => {
      const { endpoints, overview } = stage.state;
      await endpoints.disable('old', '410', NOW);
      expect(await overview.endpointStates()).toEqual([
        { name: 'old', disabledReason: '410', disabledAt: NOW, refusedAt: null, refusedOn: [], hasSender: false },
      ]);
    });
  });
}
