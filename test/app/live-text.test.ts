import { expect, test } from '@jest/globals';
import { liveEndText } from '../../src/app/observers/live-text.ts';

const end = (parts: number, keptParts: number, changedParts: number) =>
  liveEndText({
    type: 'live-ended',
    recordingId: '1',
    name: 'video.mkv',
    sizeBytes: 1,
    parts,
    keptParts,
    changedParts,
  });

test.each([
  [49, 47, 0, 'live upload ended: 47 of 49 parts were in the bucket already'],
  [49, 46, 1, 'live upload ended: 46 of 49 parts were in the bucket already, 1 more had changed and is sent again'],
  [49, 40, 7, 'live upload ended: 40 of 49 parts were in the bucket already, 7 more had changed and are sent again'],
  // One part that has changed is the head, which most recorders write again.
  [3, 0, 1, 'live upload ended: 0 of 3 parts were in the bucket already, 1 more had changed and is sent again'],
])('of %d parts, %d kept and %d changed', (parts, kept, changed, text) => {
  expect(end(parts, kept, changed)).toBe(text);
});

test('a file that was rewritten as a whole is called that', () => {
  expect(end(49, 1, 46)).toBe(
    'live upload did not help: 46 of the 47 parts that were sent while it was recorded have other bytes in the finished file, as if the recorder had rewritten it as a whole; they are sent again',
  );
});
