import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { type ForeignFlaw, foreignFile, foreignFolder, isOwn } from '../../core/own-files.ts';
import { printable } from '../../core/text.ts';

/** Everything that SQLite or we open by its name in the state folder. */
const FILES = [
  'state.db',
  'state.db-wal',
  'state.db-shm',
  'state.db-journal',
  'state.db.damaged',
  'set-aside.lock',
  'wake',
];

/**
 * Looks at the state folder, and does not block the thread: on a dead network drive the look would never end, and Ctrl-C
 * could not be heard. What is wrong is found by whoever opens the state next.
 */
export async function awaitStateFolder(stateDir: string): Promise<void> {
  await stat(stateDir).catch(() => {});
}

/**
 * Makes sure that an existing state folder, and the files in it, are this user's and nobody else can change them:
 * whoever can puts a state there that sends payloads of his own. A folder above it may belong to others, as `/tmp` does;
 * what they can put in our folder's place is theirs, and so refused as well.
 * @throws AppError `CONFIG`
 */
export function refuseForeignState(stateDir: string): void {
  const stats = statSync(stateDir, { throwIfNoEntry: false });
  // Whoever creates the folder next says what is wrong with it.
  if (!stats?.isDirectory()) return;
  const link = foreignLink(stateDir);
  if (link !== undefined) {
    throw refusal(stateDir, { flaw: `is reached by a symbolic link of another user, ${link}`, fix: undefined });
  }
  const foreign = foreignFolder(stateDir, stats);
  if (foreign) throw refusal(stateDir, foreign);
  const look = (name: string, judge: (path: string, stats: Stats) => ForeignFlaw | undefined) => {
    const path = join(stateDir, name);
    const there = lstatSync(path, { throwIfNoEntry: false });
    const flaw = there && judge(path, there);
    if (flaw) throw refusal(stateDir, { ...flaw, flaw: `is not used: ${printable(path)} ${flaw.flaw}` });
  };
  for (const name of FILES) look(name, foreignFile);
  look('owners', foreignFolder);
}

function refusal(stateDir: string, { flaw, fix }: ForeignFlaw): AppError {
  return new AppError('CONFIG', `the state folder ${printable(stateDir)} ${flaw}`, {
    hint: fix ?? 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder of your own',
  });
}

/** The first link on the way to the folder that another user has made; undefined where there is none. */
function foreignLink(stateDir: string): string | undefined {
  if (realpathSync(stateDir) === stateDir) return undefined;
  const above = dirname(stateDir);
  const found = above === stateDir ? undefined : foreignLink(above);
  if (found !== undefined) return found;
  const stats = lstatSync(stateDir);
  return stats.isSymbolicLink() && !isOwn(stats) ? printable(stateDir) : undefined;
}
