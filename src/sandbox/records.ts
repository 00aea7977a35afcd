import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasErrorCode } from '../core/errors.ts';

/** Small JSON documents by name (`uploads/abc`); what a server must still know after a restart. */
export interface Records {
  put(name: string, value: unknown): Promise<void>;
  delete(name: string): Promise<void>;
  /** Every document whose name starts with `folder/`. */
  load(folder: string): Promise<unknown[]>;
}

/** Forgets everything: for a sandbox that lives in memory only. */
export const noRecords: Records = {
  put: async () => {},
  delete: async () => {},
  load: async () => [],
};

/** Documents as files below `dir`. Each write is whole or absent, whenever the process dies. */
export function folderRecords(dir: string): Records {
  // Writes of one name happen in the order they were asked for.
  const tails = new Map<string, Promise<void>>();
  const inTurn = (name: string, work: () => Promise<void>): Promise<void> => {
    const turn = (tails.get(name) ?? Promise.resolve()).then(work, work);
    tails.set(name, turn);
    const forget = () => {
      if (tails.get(name) === turn) tails.delete(name);
    };
    turn.then(forget, forget);
    return turn;
  };
  const fileOf = (name: string) => join(dir, `${name}.json`);
  return {
    put: (name, value) => inTurn(name, () => writeAtomically(fileOf(name), JSON.stringify(value))),
    delete: name => inTurn(name, () => rm(fileOf(name), { force: true })),
    async load(folder) {
      const documents: unknown[] = [];
      for (const entry of await filesBelow(join(dir, folder))) {
        if (entry.endsWith('.json')) documents.push(JSON.parse(await readFile(entry, 'utf8')));
        else await rm(entry, { force: true }); // a write that a crash cut short
      }
      return documents;
    },
  };
}

/** Replaces the file's contents by way of a temporary file beside it. */
export async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, text).catch(async error => {
      if (!hasErrorCode(error, 'ENOENT')) throw error;
      await mkdir(dirname(file), { recursive: true });
      await writeFile(temporary, text);
    });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function filesBelow(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}
