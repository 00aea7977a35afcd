import { expect, test } from '@jest/globals';
import { AppError } from '../../src/core/errors.ts';
import { createRemote, isAway, type OpenRemote } from '../../src/state/fleet/remote.ts';

/** A database that answers to nobody until it is back; each try of it takes 5 s of the clock. */
function silentDatabase() {
  let nowMs = 0;
  let tries = 0;
  let isBack = false;
  const database = { self: { machine: 'studio-a' }, writeAsOwner: async () => {} };
  const remote = createRemote({
    async open() {
      tries++;
      if (isBack) return { database, state: { close: async () => {} } } as unknown as OpenRemote;
      nowMs += 5_000;
      throw new AppError('STATE', 'the database is away');
    },
    onAway: () => {},
    onBack: () => {},
    now: () => nowMs,
  });
  return {
    remote,
    tries: () => tries,
    pass(ms: number) {
      nowMs += ms;
    },
    comeBack() {
      isBack = true;
    },
    /** How work on it ends. */
    use: (patient: boolean) =>
      remote
        .use(async () => 'done', { patient })
        .catch(error => {
          if (isAway(error)) return 'away';
          throw error;
        }),
  };
}

test('whoever has waited for a silent database does not wait again at once, however patient', async () => {
  const { use, tries, pass, remote } = silentDatabase();
  expect(await use(false)).toBe('away');
  for (let more = 0; more < 3; more++) expect(await use(true)).toBe('away');
  expect(tries()).toBe(1);
  // A while later somebody may.
  pass(30_000);
  expect(await use(true)).toBe('away');
  expect(tries()).toBe(2);
  await remote.close();
});

test('that it is back is found out in the background meanwhile', async () => {
  const { use, pass, comeBack, remote } = silentDatabase();
  expect(await use(false)).toBe('away');
  comeBack();
  pass(4_000);
  // This one starts the look.
  expect(await use(true)).toBe('away');
  while (remote.failure) await new Promise(resolve => setImmediate(resolve));
  expect(await use(false)).toBe('done');
  await remote.close();
});
