import { describe, expect, test } from '@jest/globals';
import { partSizeFor, planParts, SINGLE_PUT_LIMIT_BYTES } from '../../../src/core/storage/part-plan.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

describe('The plan of parts', () => {
  test.each([
    SINGLE_PUT_LIMIT_BYTES + 1,
    17 * MIB,
    300 * MIB,
    GIB,
    GIB + 1,
    4 * GIB + 1,
    20 * GIB,
    320 * GIB,
    5 * TIB,
    48 * TIB,
  ])('for %d bytes keeps to the limits of S3', size => {
    const partSize = partSizeFor(size);
    const count = Math.ceil(size / partSize);
    expect(count).toBeLessThanOrEqual(10_000);
    expect(partSize).toBeGreaterThanOrEqual(5 * MIB);
    expect(partSize).toBeLessThanOrEqual(5 * GIB);
    expect(partSize % MIB).toBe(0);
  });

  test.each([GIB, GIB + 1, 4 * GIB, 31 * GIB, 32_000 * MIB + 1, 62 * GIB])(
    'for %d bytes has 1,000 parts at most, of 64 MiB at most, for stores and proxies that take no more',
    size => {
      expect(Math.ceil(size / partSizeFor(size))).toBeLessThanOrEqual(1_000);
      expect(partSizeFor(size)).toBeLessThanOrEqual(64 * MIB);
    },
  );

  test('has no room for more than S3 can hold', () => {
    expect(() => partSizeFor(10_000 * 5 * GIB + 1)).toThrow(RangeError);
  });

  test.each([1, 5 * MIB, 8 * MIB, 8 * MIB + 1, 25 * MIB - 1])('for %d bytes covers each byte once, in order', size => {
    const parts = planParts(size, 8 * MIB);
    let offset = 0;
    for (const [index, part] of parts.entries()) {
      expect(part).toMatchObject({ number: index + 1, offset });
      offset += part.sizeBytes;
    }
    expect(offset).toBe(size);
    expect(parts.slice(0, -1).every(part => part.sizeBytes === 8 * MIB)).toBe(true);
  });

  test('of an empty file has no part', () => {
    expect(planParts(0, 8 * MIB)).toEqual([]);
  });
});
