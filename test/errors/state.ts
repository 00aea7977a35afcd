import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { atWorkError } from '../../src/app/at-work.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { openOwnSandbox } from '../../src/cli/own-sandbox.ts';
import { AppError, OPEN_FILES_HINT } from '../../src/core/errors.ts';
import { notStored } from '../../src/state/not-stored.ts';
import { openState } from '../../src/state/open.ts';
import { openLiveness } from '../../src/state/sqlite/liveness.ts';
import { stateError } from '../../src/state/sqlite/state-failure.ts';
import type { Desk } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';
import type { Made, Meeting } from './meeting.ts';

const exit = EXIT.incomplete;
const AGAIN = 'free some space and run the command again';

const version = (desk: Desk, number: number) => {
  mkdirSync(desk.stateDir, { recursive: true });
  const database = new DatabaseSync(join(desk.stateDir, 'state.db'));
  database.exec(`PRAGMA user_version = ${number}`);
  database.close();
};
const system = (code: string, says: string, hint: string): Made => ({
  says,
  hint,
  exit,
  make: () => stateError(Object.assign(new Error(code), { code }), '/state'),
});
const sqlite = (errcode: number, says: string, hint: string): Made => ({
  says,
  hint,
  exit,
  make: () => stateError(Object.assign(new Error('it says so'), { code: 'ERR_SQLITE_ERROR', errcode }), '/state'),
});
const WRITABLE = 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder that is writable';
const LOCAL = 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder on a disk of this machine';
const DAMAGED = 'recordupload retry sets the file aside and begins a new one';

export const STATE: readonly Meeting[] = [
  {
    says: '…/state.db was written by a newer version of recordupload, and is left as it is',
    hint: 'upgrade recordupload, or point stateDir (RECORDUPLOAD_STATE_DIR) at another folder',
    exit,
    meet: desk => {
      version(desk, 999);
      return ['retry'];
    },
  },
  {
    says: '…/state.db was written by a newer version',
    hint: 'upgrade recordupload',
    exit,
    meet: desk => {
      version(desk, 999);
      return ['status'];
    },
  },
  {
    says: 'the state file …/state.db is missing',
    hint: 'what was uploaded is in the bucket; recordupload retry begins a new state, then upload unfinished folders again',
    exit,
    meet: desk => {
      mkdirSync(join(desk.stateDir, 'owners'), { recursive: true, mode: 0o700 });
      return ['status'];
    },
  },
  {
    says: 'the state file …/state.db has lost its content',
    hint: 'what was uploaded is in the bucket; recordupload retry begins a new state, then upload unfinished folders again',
    exit,
    meet: desk => {
      version(desk, 0);
      mkdirSync(join(desk.stateDir, 'owners'), { mode: 0o700 });
      return ['list'];
    },
  },
  {
    says: 'the state file …/state.db is damaged: nothing about recording 3 can be read',
    hint: 'to check the bucket: recordupload verify 3',
    exit,
    meet: async desk => {
      await (await openState(desk.stateDir)).close();
      // An index that SQLite believes to be empty.
      const file = join(desk.stateDir, 'state.db');
      const database = new DatabaseSync(file);
      const page = database.prepare("SELECT rootpage AS n FROM sqlite_schema WHERE name = 'queue_due'").get()?.n;
      database.close();
      const bytes = readFileSync(file);
      bytes.fill(1, (Number(page) - 1) * 4096, Number(page) * 4096);
      writeFileSync(file, bytes);
      return ['status', '3'];
    },
  },
  {
    says: 'the state folder …/file cannot be created: it, or a folder above it, is a file',
    hint: 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder',
    exit,
    env: { RECORDUPLOAD_STATE_DIR: 'file' },
    meet: ({ cwd }) => {
      writeFileSync(join(cwd, 'file'), '');
      return ['retry'];
    },
  },
  {
    says: 'the state folder …/open can be changed by other users',
    hint: 'chmod go-w …/open',
    exit: EXIT.usage,
    env: { RECORDUPLOAD_STATE_DIR: 'open' },
    meet: ({ cwd }) => {
      mkdirSync(join(cwd, 'open'));
      chmodSync(join(cwd, 'open'), 0o777);
      return ['retry'];
    },
  },
  {
    says: 'the state folder …/open can be changed by other users',
    hint: 'chmod go-w …/open; nothing was enqueued; to upload without the state: recordupload upload …/3',
    exit: EXIT.usage,
    env: { RECORDUPLOAD_STATE_DIR: 'open' },
    meet: ({ cwd }) => {
      mkdirSync(join(cwd, 'open'));
      chmodSync(join(cwd, 'open'), 0o777);
      return ['enqueue', makeRecording({ name: '3' })];
    },
  },
  {
    says: 'the state folder … is not used: …/state.db is a symbolic link, not a file',
    hint: 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder of your own',
    exit: EXIT.usage,
    meet: ({ stateDir }) => {
      mkdirSync(stateDir, { recursive: true });
      symlinkSync('/nowhere', join(stateDir, 'state.db'));
      return ['status'];
    },
  },
  {
    says: 'the log …/.profile is not used: it is another file, not a log of recordupload',
    hint: 'set logFile (RECORDUPLOAD_LOG_FILE) to a file of its own, or to /dev/null for no log',
    exit: EXIT.usage,
    env: { RECORDUPLOAD_LOG_FILE: '~/.profile' },
    meet: ({ home }) => {
      writeFileSync(join(home, '.profile'), 'umask 077\n');
      return ['retry'];
    },
  },
  {
    says: 'the log /dev/stdin is not used: it is a symbolic link, not a file',
    hint: 'for a log on stderr use --progress json; logFile (RECORDUPLOAD_LOG_FILE) names a file, or /dev/null for none',
    exit: EXIT.usage,
    env: { RECORDUPLOAD_LOG_FILE: '/dev/stdin' },
    meet: () => ['retry'],
  },
  {
    says: 'the log / cannot be read (EISDIR)',
    hint: 'run it as the user who uploads, or check logFile (RECORDUPLOAD_LOG_FILE)',
    exit,
    env: { RECORDUPLOAD_LOG_FILE: '/' },
    meet: () => ['logs'],
  },
];

export const STATE_MADE: readonly Made[] = [
  {
    says: 'another process is sending a webhook of recording 3',
    hint: 'wait until it has ended, then run the command again',
    exit: EXIT.busy,
    make: () => {
      throw atWorkError('3', { ok: false, atWork: 'webhook' });
    },
  },
  {
    says: 'the state file …/state.db is damaged, and another process still uses it',
    hint: 'wait until it has ended, then run the command again: the file is set aside then',
    exit,
    make: async () => {
      const stateDir = tempDir();
      await (await openState(stateDir)).close();
      writeFileSync(join(stateDir, 'state.db'), 'no database '.repeat(1000));
      const user = await openLiveness(stateDir);
      try {
        return await openState(stateDir);
      } finally {
        user.close();
      }
    },
  },
  {
    says: 'the sandbox gets no folder in /nowhere: it does not exist',
    hint: 'set TMPDIR to a folder with room that you may write',
    exit: EXIT.usage,
    make: () => openOwnSandbox({ env: {} }, '/nowhere'),
  },
  system('EACCES', 'the state folder /state is not writable', WRITABLE),
  system('ENOENT', 'the state folder /state cannot be created: its file system takes no new folders', WRITABLE),
  system('EROFS', 'the state folder /state is on a read-only disk', WRITABLE),
  system(
    'ENOSPC-inodes',
    'the disk of the state folder /state takes no more files (no free inode)',
    'remove files that nobody needs (df -i counts them), then run the command again',
  ),
  system(
    'EDQUOT',
    'the quota on the disk of the state folder /state is used up',
    'free some space or ask for a larger quota, then run the command again',
  ),
  system('EMFILE', 'too many open files: the state in /state cannot be opened', OPEN_FILES_HINT),
  system(
    'EFBIG',
    'the state in /state has reached the limit on the size of a file',
    'raise the limit (ulimit -f unlimited), then run the command again',
  ),
  system(
    'ELOOP',
    'the state folder /state cannot be used: a symbolic link on its way leads in a circle',
    'fix or remove the link, or set stateDir (RECORDUPLOAD_STATE_DIR) to another folder',
  ),
  system(
    'ENAMETOOLONG',
    'the state folder /state cannot be created: its name is too long',
    'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder with a shorter name',
  ),
  system('ENOSPC', 'the disk of the state folder /state is full', AGAIN),
  system(
    'EIO',
    'the state in /state can be neither read nor written (disk I/O error)',
    'check that its disk is neither full nor failing',
  ),
  sqlite(
    5,
    'another process has kept the state in /state locked for 30 s',
    'wait until it has ended, then run the command again',
  ),
  sqlite(8, 'the state folder /state is not writable', WRITABLE),
  sqlite(11, 'the state file /state/state.db is damaged', DAMAGED),
  sqlite(13, 'the disk of the state folder /state is full', AGAIN),
  sqlite(
    14,
    'the state in /state cannot be opened',
    'check that it is a folder with room on its disk, and that you may write in it',
  ),
  sqlite(15, 'the state in /state cannot be locked, as on network drives', LOCAL),
  // The system refuses a lock (SQLITE_IOERR_LOCK), or the memory beside the file (SQLITE_IOERR_SHMMAP).
  sqlite(3850, 'the state in /state cannot be locked, as on network drives', LOCAL),
  sqlite(5386, 'the state in /state cannot be locked, as on network drives', LOCAL),
  sqlite(
    1,
    'the state in /state cannot be used: it says so',
    'check its disk, or point stateDir (RECORDUPLOAD_STATE_DIR) at another folder',
  ),
  {
    says: 'the webhook of recording 3 could not be stored: the disk is full',
    hint: AGAIN,
    exit,
    make: () => {
      throw notStored('the webhook of recording 3', new AppError('STATE', 'the disk is full', { hint: AGAIN }));
    },
  },
];
