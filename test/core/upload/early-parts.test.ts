import { readlinkSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { RecordingFile } from '../../../src/core/recording/recording.ts';
import { hashEarly } from '../../../src/core/upload/early-parts.ts';
import type { UploadSession } from '../../../src/core/upload/session.ts';
import { breakOff, ID, MIB, machine, makeSource, sandbox, THREE_PARTS } from '../storage/support.ts';

/** A session that notes which ranges are hashed, in MiB, and of which open file. */
async function stage() {
  const here = await machine(await sandbox());
  const { session } = here.run();
  const asked: number[] = [];
  const fds = new Set<number>();
  const { hasher } = session;
  const noting: UploadSession = {
    ...session,
    hasher: {
      ...hasher,
      hash(fd, offset, ...rest) {
        asked.push(offset / MIB);
        fds.add(fd);
        return hasher.hash(fd, offset, ...rest);
      },
    },
  };
  const isOpen = (file: RecordingFile) =>
    [...fds].some(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === file.path;
      } catch {
        return false;
      }
    });
  return { here, session: noting, asked, isOpen };
}

test('The largest file is hashed early, and handed over once', async () => {
  const { session, asked, isOpen } = await stage();
  const [small, video] = [await makeSource(300), await makeSource(THREE_PARTS)];
  await using early = await hashEarly(ID, [small, video], session);
  expect(asked).toEqual([0, 8, 16]);
  expect(early.take(small)).toBeUndefined();
  const taken = early.take(video);
  expect(taken?.source.file).toBe(video);
  expect(early.take(video)).toBeUndefined();
  await early[Symbol.asyncDispose]();
  expect(isOpen(video)).toBe(true);
  await taken?.parts[Symbol.asyncDispose]();
  taken?.source.close();
});

test('A file that nobody takes is closed once its hashing has ended', async () => {
  const { session, isOpen } = await stage();
  const video = await makeSource(THREE_PARTS);
  const early = await hashEarly(ID, [video], session);
  expect(isOpen(video)).toBe(true);
  await early[Symbol.asyncDispose]();
  expect(isOpen(video)).toBe(false);
});

test('Nothing is hashed early of small files, of one whose upload was begun, and where descriptors are few', async () => {
  const { here, session, asked } = await stage();
  await hashEarly(ID, [await makeSource(MIB)], session);
  await hashEarly(ID, [], session);
  const video = await makeSource(THREE_PARTS);
  await hashEarly(ID, [video], { ...session, filePlaces: async () => () => {} });
  await breakOff(here, video, 1);
  await hashEarly(ID, [video], session);
  expect(asked).toEqual([]);
});
