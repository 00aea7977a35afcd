import type { State } from '../../../src/state/state.ts';
import { claimAll, enqueue, FILE_REF, NOW, part, RECORDING, REF, TARGET, UPLOAD } from './facts.ts';

/** What a process does before it is killed. */
export const CRASH_STEPS = {
  'begins an upload': ({ journal }) => journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW }),
  'stores parts': async ({ journal }) => {
    await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW });
    await journal.beginUpload(REF, UPLOAD, [part(1)], NOW);
    await journal.addParts(FILE_REF, [part(2)]);
  },
  'claims a delivery': async state => {
    await enqueue(state, 3);
    await claimAll(state);
  },
  'becomes the worker': state => state.takeWorker(NOW),
  'enqueues a folder': ({ queue }) =>
    queue.add(
      [{ dir: '/r/3', recordingId: '3', origin: 'enqueued', asked: { webhook: true, force: false, finished: true } }],
      NOW,
    ),
  'asks for writes and does not wait for them': async state => {
    void state.journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW });
    void enqueue(state, 3, { endpoints: ['a', 'b', 'c'] });
  },
} satisfies Record<string, (state: State) => Promise<unknown>>;

export type CrashStep = keyof typeof CRASH_STEPS;
