import { EventEmitter } from 'node:events';
import type { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { bufferBody } from '../../../src/core/storage/body.ts';
import { SLICE_BYTES, unlimited } from '../../../src/core/storage/throttle.ts';

/** A request whose connection is always full, and is drained only while more is to come. */
class FullRequest extends EventEmitter {
  destroyed = false;
  ended = false;
  readonly written: Buffer[] = [];
  readonly #expected: number;

  constructor(expectedBytes: number) {
    super();
    this.#expected = expectedBytes;
  }
  write(bytes: Buffer): boolean {
    this.written.push(Buffer.from(bytes));
    if (Buffer.concat(this.written).length < this.#expected) setImmediate(() => this.emit('drain'));
    return false;
  }
  end(): void {
    this.ended = true;
  }
}

const send = (bytes: Buffer, request: FullRequest) =>
  bufferBody(bytes, Buffer.alloc(32), { throttle: unlimited }).send(
    request as unknown as Writable,
    new AbortController().signal,
    () => {},
  );

describe('A body', () => {
  it('ends its request with the last slice: the answer may come before the connection is drained', async () => {
    const bytes = Buffer.alloc(2 * SLICE_BYTES + 1, 7);
    const request = new FullRequest(bytes.length);
    await send(bytes, request);
    expect(request.ended).toBe(true);
    expect(request.written.map(slice => slice.length)).toEqual([SLICE_BYTES, SLICE_BYTES, 1]);
    expect(Buffer.concat(request.written).equals(bytes)).toBe(true);
  });

  it('stops quietly where the request is over before', async () => {
    const request = new FullRequest(Number.POSITIVE_INFINITY);
    request.once('drain', () => {
      request.destroyed = true;
    });
    await send(Buffer.alloc(3 * SLICE_BYTES), request);
    expect([request.ended, request.written.length]).toEqual([false, 1]);
  });

  it('of no bytes is an empty request', async () => {
    const request = new FullRequest(0);
    await send(Buffer.alloc(0), request);
    expect([request.ended, request.written.length]).toEqual([true, 0]);
  });
});
