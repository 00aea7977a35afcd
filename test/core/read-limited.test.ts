import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { limited, readLimited, TooLong, TooSlow } from '../../src/core/read-limited.ts';

const HOUR = 3_600_000;

/** Bytes one at a time, for ever. */
async function* drip(count = Number.POSITIVE_INFINITY, onEnd: () => void = () => {}) {
  try {
    for (let sent = 0; sent < count; sent++) {
      await sleep(1);
      yield Buffer.from('x');
    }
  } finally {
    onEnd();
  }
}

describe('Reading what a server sends', () => {
  test('ends with the stream', async () => {
    expect(await readLimited(drip(3), { maxBytes: 3, totalMs: HOUR })).toEqual(Buffer.from('xxx'));
  });

  test('ends where there are more bytes than there should be, and leaves the stream', async () => {
    const left = Promise.withResolvers<void>();
    await expect(readLimited(drip(undefined, left.resolve), { maxBytes: 3, totalMs: HOUR })).rejects.toThrow(TooLong);
    await left.promise;
  });

  test('ends when the time is over, although bytes still come', async () => {
    const left = Promise.withResolvers<void>();
    const maxBytes = Number.POSITIVE_INFINITY;
    await expect(readLimited(drip(undefined, left.resolve), { maxBytes, totalMs: 30 })).rejects.toThrow(TooSlow);
    await left.promise;
  });

  test('ends when the time is over, although nothing comes', async () => {
    async function* silence(): AsyncGenerator<Uint8Array> {
      await new Promise(() => {});
      yield Buffer.alloc(0);
    }
    await expect(readLimited(silence(), { maxBytes: 1, totalMs: 10 })).rejects.toThrow('not complete after 1 s');
  });

  test('passes on what the stream throws', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      throw new Error('cut off');
    }
    await expect(readLimited(broken(), { maxBytes: 9, totalMs: HOUR })).rejects.toThrow('cut off');
  });

  test('leaves the stream where its reader has enough', async () => {
    const left = Promise.withResolvers<void>();
    for await (const _ of limited(drip(undefined, left.resolve), { maxBytes: 9, totalMs: HOUR })) break;
    await left.promise;
  });
});
