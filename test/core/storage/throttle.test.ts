import { describe, expect, test } from '@jest/globals';
import { createInFlight } from '../../../src/core/storage/in-flight.ts';
import { bothThrottles, createThrottle, rateAt, throttleUntil, unlimited } from '../../../src/core/storage/throttle.ts';
import { parseRateLimit } from '../../../src/core/units.ts';
import { isStored, MIB, machine, makeSource, sandbox, THREE_PARTS } from './support.ts';
import { virtualClock } from './virtual-clock.ts';

const at = (time: string) => new Date(`2026-03-04T${time}:00`);
const { signal } = new AbortController();
const ratesOf = (text: string) => parseRateLimit(text) ?? [];

describe('A rate limit', () => {
  test('by the clock is in force from its time on, and over midnight', () => {
    const changes = ratesOf('19:00,off 08:00,512k 12:30,1M');
    expect(
      ['07:59', '08:00', '12:29', '12:30', '18:59', '19:00', '00:00'].map(time => rateAt(changes, at(time))),
    ).toEqual([undefined, 512 * 1024, 512 * 1024, MIB, MIB, undefined, undefined]);
  });

  test('that is off holds nothing back', () => {
    expect(createThrottle(ratesOf('off'), virtualClock())).toBe(unlimited);
    expect(unlimited.take(10 * MIB, signal)).toBeUndefined();
  });

  test.each([
    ['300k', 1],
    ['1M', 4],
    ['10M', 16],
    ['1G', 64],
  ])('of %s is kept within 10 %% by %d connections together', async (text, connections) => {
    const clock = virtualClock();
    const throttle = createThrottle(ratesOf(text), clock);
    const rate = ratesOf(text)[0]?.bytesPerSecond ?? 0;
    const total = rate * 20;
    let sent = 0;
    const connection = async () => {
      while (sent < total) {
        sent += throttle.sliceBytes;
        await throttle.take(throttle.sliceBytes, signal);
      }
    };
    await Promise.all(Array.from({ length: connections }, connection));
    const measured = sent / (clock.elapsed() / 1000);
    expect(measured / rate).toBeGreaterThan(0.9);
    expect(measured / rate).toBeLessThan(1.1);
  });

  test('begins without a burst, and pauses earn none', async () => {
    const clock = virtualClock();
    const throttle = createThrottle(ratesOf('1M'), clock);
    clock.advance(60_000);
    await throttle.take(MIB, signal);
    expect(clock.elapsed()).toBe(61_000);
  });

  test('changes with the time of day while an upload is under way', async () => {
    const clock = virtualClock(at('18:59').getTime() + 30_000);
    const throttle = createThrottle(ratesOf('08:00,1k 19:00,off'), clock);
    let free = 0;
    while (clock.elapsed() < 30_000) await throttle.take(1024, signal);
    for (let index = 0; index < 100; index++) if (!throttle.take(1024, signal)) free++;
    expect(free).toBe(100);
  });

  test('ends with the abort', async () => {
    const abort = new AbortController();
    const clock = virtualClock();
    clock.at(500, () => abort.abort(new Error('Ctrl-C')));
    const throttle = createThrottle(ratesOf('1k'), clock);
    await expect(throttle.take(10 * 1024, abort.signal)).rejects.toThrow('Ctrl-C');
  });

  test('holds an upload of several parts to its rate', async () => {
    const clock = virtualClock();
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    const throttle = createThrottle(ratesOf('1M'), clock);
    const inFlight = createInFlight({ fixed: 4, clock });
    await (await machine(server, { clock })).run({ session: { throttle, inFlight } }).upload(file);
    expect(await isStored(server, file)).toBe(true);
    expect(clock.elapsed()).toBeGreaterThan(17_000 * 0.9);
    expect(clock.elapsed()).toBeLessThan(17_000 * 1.1);
  });
});

describe('Two rate limits', () => {
  test('hold together: the slower one counts', async () => {
    const clock = virtualClock();
    const throttle = bothThrottles(createThrottle(ratesOf('1M'), clock), createThrottle(ratesOf('4M'), clock));
    for (let sent = 0; sent < 8 * MIB; sent += MIB) await throttle.take(MIB, signal);
    expect(clock.elapsed()).toBe(8_000);
  });

  test('are one where one of them limits nothing', () => {
    const throttle = createThrottle(ratesOf('1M'), virtualClock());
    expect(bothThrottles(unlimited, throttle)).toBe(throttle);
    expect(bothThrottles(throttle, unlimited)).toBe(throttle);
  });
});

describe('A rate limit that ends', () => {
  test('lets go what waits, and holds nothing back any more', async () => {
    const clock = virtualClock();
    const over = new AbortController();
    clock.at(500, () => over.abort());
    const throttle = throttleUntil(over.signal, createThrottle(ratesOf('1k'), clock));
    for (let sent = 0; sent < 100; sent++) await throttle.take(1024, signal);
    expect(clock.elapsed()).toBeLessThanOrEqual(1_000);
    expect(throttle.take(100 * 1024, signal)).toBeUndefined();
  });

  test('does not hide that the request ends', async () => {
    const clock = virtualClock();
    const abort = new AbortController();
    clock.at(500, () => abort.abort(new Error('Ctrl-C')));
    const throttle = throttleUntil(new AbortController().signal, createThrottle(ratesOf('1k'), clock));
    await expect(throttle.take(100 * 1024, abort.signal)).rejects.toThrow('Ctrl-C');
  });
});
