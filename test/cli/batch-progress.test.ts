import { expect, test } from '@jest/globals';
import { createBatchProgress } from '../../src/cli/terminal/batch-progress.ts';

const MB = 1_000_000;

function look() {
  let now = 0;
  const batch = createBatchProgress(() => now);
  const begin = (recordingId: string, sizeBytes: number) =>
    batch.observe({
      type: 'recording-started',
      recordingId,
      dir: `/${recordingId}`,
      files: [{ name: 'v', sizeBytes }],
    });
  const send = (bytes: number) => batch.observe({ type: 'file-progress', recordingId: '1', name: 'v', bytes });
  return {
    batch,
    begin,
    send,
    pass(ms: number) {
      now += ms;
    },
  };
}

test('a single recording has no line of its own', () => {
  const { batch, begin, send } = look();
  begin('1', MB);
  send(MB / 2);
  expect(batch.line()).toBeUndefined();
});

test('several have one: how many are done, how much of it, how fast, how long still', () => {
  const { batch, begin, send, pass } = look();
  batch.observe({ type: 'folders-found', folders: 4 });
  expect(batch.line()).toEqual(['0 of 4 recordings']);
  begin('1', 10 * MB);
  begin('2', 30 * MB);
  // The two that have not begun are taken to be like the others.
  expect(batch.line()).toEqual(['0 of 4 recordings', '0 B of about 80.0 MB']);
  pass(4000);
  send(10 * MB);
  batch.observe({ type: 'folder-finished', dir: '/1', ok: true });
  expect(batch.line()).toEqual(['1 of 4 recordings', '10.0 MB of about 80.0 MB', '2.5 MB/s', '28 s left']);
  begin('3', 10 * MB);
  begin('4', 10 * MB);
  expect(batch.line()).toEqual(['1 of 4 recordings', '10.0 MB of 60.0 MB', '2.5 MB/s', '20 s left']);
});

test('what is in the bucket already counts as done, and not for the speed', () => {
  const { batch, begin, send, pass } = look();
  batch.observe({ type: 'folders-found', folders: 2 });
  begin('1', 100 * MB);
  begin('2', 100 * MB);
  batch.observe({ type: 'file-unchanged', recordingId: '1', name: 'v', sizeBytes: 100 * MB });
  batch.observe({ type: 'file-started', recordingId: '2', name: 'v', sizeBytes: 100 * MB, resumedBytes: 50 * MB });
  pass(5000);
  send(10 * MB);
  expect(batch.line()).toEqual(['0 of 2 recordings', '160 MB of 200 MB', '2.0 MB/s', '20 s left']);
});

test('it is gone once all are done, also those that failed', () => {
  const { batch } = look();
  batch.observe({ type: 'folders-found', folders: 2 });
  batch.observe({ type: 'folder-finished', dir: '/1', ok: true });
  batch.observe({ type: 'folder-finished', dir: '/2', ok: false });
  expect(batch.line()).toBeUndefined();
});
