import { ENDPOINT_KEYS, KEYS } from './keys.ts';

const ALL_PATHS = [...KEYS.map(key => key.path), 'user', 'webhook', 'webhooks'];
const ENTRY_PATHS = [...ENDPOINT_KEYS.map(key => key.path), 'name'];

/**
 * The known key that an unknown one was probably meant to be: by its spelling (`buckett`, `state_dir`), or by its last
 * name in another place (`email`, `s3.bucket`). `inside` is the path of the mapping that contains it.
 */
export function suggestKey(unknown: string, inside: readonly PropertyKey[]): string | undefined {
  if (inside[0] === 'webhooks') return closest(unknown, ENTRY_PATHS);
  const full = [...inside, unknown].join('.');
  const lastNames = new Map(ALL_PATHS.map(path => [plain(path.split('.').at(-1) ?? ''), path]));
  return closest(full, ALL_PATHS) ?? lastNames.get(plain(unknown));
}

/** The nearest of several names, if it is near enough to be meant. */
export function closest(text: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(text);
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.floor(wanted.length / 3) + 1);
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Levenshtein's distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, character] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (character === to[column - 1] ? 0 : 1);
      next.push(Math.min((row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
