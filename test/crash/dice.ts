/** Chance that can be repeated: the same seed throws the same. */
export interface Dice {
  /** In [0, 1). */
  random(): number;
  /** A whole number from `least` to `most`, both included. */
  number(least: number, most: number): number;
  pick<T>(choices: readonly T[]): T;
}

/** Mulberry32: small, and good enough to choose when to kill. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  const number = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  return { random, number, pick: choices => choices[number(0, choices.length - 1)] as (typeof choices)[number] };
}
