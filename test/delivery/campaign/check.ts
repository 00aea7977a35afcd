/** Notes one result; `detail` is shown where it is not good. */
export type Check = (sentence: string, isGood: boolean, detail?: unknown) => void;

/** Prints each result as it comes in, and the count at the end. */
export function createChecks(): { check: Check; end(): number } {
  let passed = 0;
  let failed = 0;
  return {
    check(sentence, isGood, detail) {
      if (isGood) passed++;
      else failed++;
      const more = isGood || detail === undefined ? '' : `\n    ${JSON.stringify(detail)}`;
      process.stdout.write(`${isGood ? '✔' : '✘'} ${sentence}${more}\n`);
    },
    end() {
      process.stdout.write(`${passed} passed, ${failed} failed\n`);
      return failed;
    },
  };
}
