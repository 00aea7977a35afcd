import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Runtime } from '../../src/app/runtime.ts';
import { createCandidates } from '../../src/app/watch/candidates.ts';
import type { LiveRecordings } from '../../src/app/watch/live.ts';
import type { CoreEvent } from '../../src/core/events.ts';
import { makeRecording } from '../support/make-recording.ts';

/* Recordings that are not finished yet, on a clock that the tests turn. */

/** What is still being recorded waits for its end. */
const notLive: LiveRecordings = { grown() {}, gone: async () => {}, stop: async () => {}, close: async () => {} };

function candidatesAt(start: number) {
  let at = start;
  const events: CoreEvent[] = [];
  const clock = { now: () => Date.now() + at, monotonic: () => at, sleep: async () => {} };
  const config = { extraFiles: [], settleMs: 3_000, watch: { quietMs: 60_000, marker: undefined } };
  const runtime = { clock, config, observer: (event: CoreEvent) => events.push(event) } as unknown as Runtime;
  const finished: string[] = [];
  const gone: string[] = [];
  const candidates = createCandidates(() => runtime, notLive, {
    onFinished: async dir => {
      finished.push(dir);
    },
    onFailure: error => {
      throw error;
    },
    onGone: dir => gone.push(dir),
  });
  const pass = async (ms: number) => {
    at += ms;
    await candidates.pump();
  };
  return { candidates, pass, events, finished, gone };
}

test('an unfinished name that stays is named once, after ten minutes', async () => {
  const dir = makeRecording({ files: { 'video.mkv.part': 'left behind' } });
  const { candidates, pass, events, finished } = candidatesAt(1_000);
  candidates.add(dir, { isEnqueued: false });
  await pass(0);
  await pass(300_000);
  expect(events).toEqual([]);
  await pass(300_000);
  await pass(300_000);
  const message = `${dir} is not uploaded: it has video.mkv.part, which is not finished (remove it if nothing writes it any more)`;
  expect(events).toEqual([{ type: 'warning', message }]);
  renameSync(join(dir, 'video.mkv.part'), join(dir, 'notes.txt'));
  await pass(6_000);
  await pass(6_000);
  expect(finished).toEqual([dir]);
});

test('one that is gone is a candidate no longer, and more than 2,000 are not taken at a time', async () => {
  const { candidates, pass, gone } = candidatesAt(1_000);
  for (let number = 0; number < 2_000; number++) candidates.add(`/nowhere/${number}`, { isEnqueued: false });
  expect(candidates.add('/nowhere/2000', { isEnqueued: false })).toBe(false);
  await pass(0);
  expect(candidates.size).toBe(0);
  expect(gone).toHaveLength(2_000);
});
