import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCodeCache } from '../code-cache.ts';

/** Under load, one try in twenty differs. */
const MOST_TRIES = 8;

/**
 * Makes the code caches of a built program so that each build gets the same bytes: they contain the functions that were
 * called, and a busy machine calls a few others, such as one that waits for a slow disk. So a cache counts once two tries
 * have made the same one.
 * @param node the Node that will use them
 * @param dist the folder of the built program
 * @param work an empty folder
 * @returns the folder with the caches
 * @throws Error where no two tries agree
 */
export async function settledCodeCache(node: string, dist: string, work: string): Promise<string> {
  const result = join(work, 'settled');
  mkdirSync(result);
  const seen = new Set<string>();
  const settled = new Set<string>();
  for (let number = 1; number <= MOST_TRIES; number++) {
    const caches = await tryOnce(node, dist, join(work, String(number)));
    const names = readdirSync(caches);
    for (const name of names.filter(name => !settled.has(name))) {
      const bytes = readFileSync(join(caches, name));
      const one = `${name} ${bytes.toString('base64')}`;
      if (seen.has(one)) {
        writeFileSync(join(result, name), bytes);
        settled.add(name);
      } else seen.add(one);
    }
    if (names.every(name => settled.has(name))) return result;
  }
  throw new Error(`no two of ${MOST_TRIES} runs made the same code cache; try again on a machine with less to do`);
}

async function tryOnce(node: string, dist: string, folder: string): Promise<string> {
  mkdirSync(folder);
  for (const name of readdirSync(dist).filter(name => name.endsWith('.cjs')))
    cpSync(join(dist, name), join(folder, name));
  await makeCodeCache(folder, node);
  return join(folder, 'cache');
}
