import { describe, expect, test } from '@jest/globals';
import { fingerprintOf, fingerprintsOf, isRefused } from '../../../src/core/delivery/refusal.ts';

const ENDPOINT = { url: 'https://ops.example.org/', token: 'fake-token-for-tests', secrets: ['whsec_fake'] };

describe('what a server refused', () => {
  test('is recognised, and nothing else is', async () => {
    const [refusal, earlier] = await Promise.all([fingerprintOf(ENDPOINT), fingerprintOf({ ...ENDPOINT, token: 'x' })]);
    const isKnown = async (one: Parameters<typeof fingerprintsOf>[0], refusals = [earlier, refusal]) =>
      isRefused(await fingerprintsOf(one, refusals), refusals);
    expect(await isKnown({ ...ENDPOINT })).toBe(true);
    for (const other of [
      { ...ENDPOINT, token: 'fake-other-token' },
      { ...ENDPOINT, token: undefined },
      { ...ENDPOINT, url: 'https://new.example.org/' },
      { ...ENDPOINT, secrets: [] },
    ])
      expect(await isKnown(other)).toBe(false);
    expect(await isKnown(ENDPOINT, [])).toBe(false);
    expect(await isKnown(ENDPOINT, [{ ...refusal, hash: 'ab' }])).toBe(false);
  });

  test('is hashed once, however many were refused with the same salt', async () => {
    const one = await fingerprintOf(ENDPOINT);
    const other = await fingerprintOf({ ...ENDPOINT, token: 'fake-other-token' }, one.salt);
    expect(await fingerprintsOf(ENDPOINT, [other, one])).toEqual([one]);
  });

  test('cannot be read from its fingerprint, or looked up', async () => {
    const [one, other] = await Promise.all([fingerprintOf(ENDPOINT), fingerprintOf(ENDPOINT)]);
    expect(one.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(one.salt).not.toBe(other.salt);
    expect(one.hash).not.toBe(other.hash);
    expect(JSON.stringify(one)).not.toContain('fake');
  });

  test('is hashed in another thread: the event loop runs on', async () => {
    let turns = 0;
    let isDone = false;
    const turn = () => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    await fingerprintOf(ENDPOINT);
    isDone = true;
    expect(turns).toBeGreaterThan(2);
  });
});
