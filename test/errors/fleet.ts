import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fleetView } from '../../src/app/fleet-view.ts';
import { ofMachine } from '../../src/app/of-machine.ts';
import { fleetOf } from '../../src/app/open-fleet.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { OPEN_FILES_HINT } from '../../src/core/errors.ts';
import { notClaimed } from '../../src/core/upload/not-claimed.ts';
import type { QueuedUpload } from '../../src/core/upload/queue.ts';
import { takenOverBy } from '../../src/state/fleet/fleet-journal.ts';
import { movedOut } from '../../src/state/fleet/fleet-state.ts';
import { waitsForDatabase } from '../../src/state/fleet/shared-folders.ts';
import { takenOver } from '../../src/state/postgres/claim-recording.ts';
import { nameless, openConnections } from '../../src/state/postgres/connection.ts';
import { senseless } from '../../src/state/postgres/database.ts';
import { databaseError, NoAnswer, Standby } from '../../src/state/postgres/failure.ts';
import { sameHostName, sameName } from '../../src/state/postgres/liveness.ts';
import { wrongEncoding } from '../../src/state/postgres/look-at-server.ts';
import { newerSchema } from '../../src/state/postgres/migrations.ts';
import { connectionSettings } from '../../src/state/postgres/settings.ts';
import { differs } from '../../src/state/transfer/copy.ts';
import { othersWork, stranger, unfinished } from '../../src/state/transfer/move.ts';
import { refuseMoved } from '../../src/state/transfer/moved.ts';
import { tempDir } from '../support/temp-dir.ts';
import type { Made, Meeting } from './meeting.ts';

const exit = EXIT.incomplete;
const KEY = join(tempDir(), 'key.pem');
const OPEN_KEY = join(tempDir(), 'open-key.pem');
writeFileSync(KEY, 'no key', { mode: 0o600 });
writeFileSync(OPEN_KEY, 'no key', { mode: 0o644 });
const withCertificate = (key: string) => `postgres://db.example.com/kept?sslcert=${KEY}&sslkey=${key}`;
const WHERE = 'db.example.com:5432/kept';
const AWAY = 'check that PostgreSQL runs there and that this machine reaches it, then run the command again';

/** What a server says by its code. */
const server = (code: string, said: string, says: string, hint: string): Made => ({
  says,
  hint,
  exit,
  make: () => databaseError(Object.assign(new Error(said), { code, severity: 'FATAL' }), WHERE),
});
const fleet = (url: string) => ({
  ...fleetOf({ stateUrl: url, machine: 'studio', sharedFolders: false, caFile: undefined }, 'recordupload/0')!,
});

export const FLEET: readonly Meeting[] = [
  {
    says: "the state's database at 127.0.0.1:1/kept cannot be reached (ECONNREFUSED)",
    hint: AWAY,
    exit,
    env: { RECORDUPLOAD_STATE_URL: 'postgres://someone@127.0.0.1:1/kept' },
    // Where what this machine knows is no answer.
    meet: () => ['prune'],
  },
  {
    says: 'RECORDUPLOAD_MACHINE: expected a name of up to 50 letters, digits, ".", "_" and "-", got "studio a"',
    exit: EXIT.usage,
    env: { RECORDUPLOAD_MACHINE: 'studio a' },
    meet: () => ['retry', '--list'],
  },
  {
    says: 'RECORDUPLOAD_ID_PREFIX: expected up to 32 letters, digits, ".", "_" and "-" such as studio-a-, got "a/"',
    exit: EXIT.usage,
    env: { RECORDUPLOAD_ID_PREFIX: 'a/' },
    meet: () => ['retry', '--list'],
  },
  {
    says: 'RECORDUPLOAD_STATE_URL: contains white space (the value is not shown)',
    exit: EXIT.usage,
    env: { RECORDUPLOAD_STATE_URL: 'postgres://someone@127.0.0.1/kept here' },
    meet: () => ['status'],
  },
  {
    says: '--machine needs a state that several machines share, and this one is in a file',
    hint: 'leave it out; docs/configuration.md says how machines share their state (stateUrl)',
    exit: EXIT.usage,
    meet: () => ['list', '--machine', 'studio-b'],
  },
  {
    says: 'nothing says for which role the SQL is',
    hint: 'name it with --role, or in stateUrl (RECORDUPLOAD_STATE_URL)',
    exit: EXIT.usage,
    meet: () => ['state', 'sql'],
  },
  {
    says: 'stateUrl is missing: nothing says where PostgreSQL is',
    hint: 'set stateUrl (RECORDUPLOAD_STATE_URL) to postgres://user@host/database, also to move the state back from there',
    exit: EXIT.usage,
    meet: () => ['state', 'move', '--to', 'postgres'],
  },
  {
    says: 'nothing says where the state is to be moved',
    hint: 'say --to postgres, or --to sqlite',
    exit: EXIT.usage,
    meet: () => ['state', 'move'],
  },
];

/** As `state move` leaves a mark in the file. */
const marked = (destination: string, isOver: number) => ({
  get: () => ({ destination, place: WHERE, is_over: isOver, at: 0 }),
});

const IDLE = { version: '0', isAlive: false, since: null, lastSeen: 0, recording: 0, uploading: 0, sending: 0 };
const QUEUED: QueuedUpload = {
  dir: '/recordings/3',
  recordingId: '3',
  origin: 'found',
  asked: { webhook: true, force: false, finished: false },
  state: 'waiting',
  reason: null,
  hint: null,
  nextAt: 0,
  since: 0,
  askedAt: 0,
  updatedAt: 0,
};

export const FLEET_MADE: readonly Made[] = [
  server(
    '57P01',
    'terminating connection',
    "the state's database at db.example.com:5432/kept cannot be reached (terminating connection)",
    AWAY,
  ),
  {
    says: "the state's database at db.example.com:5432/kept cannot be reached (no answer for 8 s)",
    hint: AWAY,
    exit,
    make: () => databaseError(new NoAnswer(8_400), WHERE),
  },
  server(
    '53300',
    'sorry',
    "the state's database at db.example.com:5432/kept has no connection left for this process",
    'raise max_connections of the server, or put PgBouncer before it, then run the command again',
  ),
  server(
    '53100',
    'no space',
    "the disk of the state's database at db.example.com:5432/kept is full",
    'free some space on the server and run the command again',
  ),
  server(
    '28P01',
    'no',
    "the state's database at db.example.com:5432/kept does not accept the user or the password of stateUrl",
    'correct stateUrl (RECORDUPLOAD_STATE_URL, or the file that stateUrlFile names)',
  ),
  server(
    '3D000',
    'no',
    "the state's database at db.example.com:5432/kept does not exist",
    'create it (createdb), or name another one in stateUrl',
  ),
  server(
    '28000',
    'no pg_hba.conf entry',
    "the state's database at db.example.com:5432/kept lets this machine or user not in (no pg_hba.conf entry)",
    'add a line for it to pg_hba.conf of the server, or ask its administrator',
  ),
  server(
    '42501',
    'permission denied',
    'the user of stateUrl may not use the state in the database at db.example.com:5432/kept (permission denied)',
    'recordupload state sql prints the SQL that an administrator of the database runs',
  ),
  server(
    '57014',
    'canceling statement',
    "the state's database at db.example.com:5432/kept takes too long (canceling statement)",
    'see what it is busy with (SELECT * FROM pg_stat_activity), then run the command again',
  ),
  server(
    'SELF_SIGNED_CERT_IN_CHAIN',
    'self-signed certificate',
    "the certificate of the state's database at db.example.com:5432/kept is not trusted (self-signed certificate)",
    'name its certificate authority with sslrootcert=<file> in stateUrl, or with caFile',
  ),
  server(
    'EMFILE',
    'too many',
    "too many open files: the state's database at db.example.com:5432/kept cannot be reached",
    OPEN_FILES_HINT,
  ),
  server(
    'XX000',
    'it says so',
    "the state's database at db.example.com:5432/kept has failed: it says so",
    'see the log of PostgreSQL',
  ),
  {
    says: "the state's database at db.example.com:5432/kept is a read-only standby",
    hint: 'promote it, or name the primary, too: postgres://user@first,second/database',
    exit,
    make: () => databaseError(new Standby('db.example.com:5432'), WHERE),
  },
  {
    says: "the state's database at db.example.com:5432/kept refuses all writes",
    hint: 'default_transaction_read_only is on for the server, the database or the user of stateUrl: reset it once writes are allowed',
    exit,
    make: () => databaseError(new Standby('db.example.com:5432', { why: 'read-only' }), WHERE),
  },
  {
    says: "the state's database at db.example.com:5432/kept is an old primary, and another server has taken its place",
    hint: 'stop it, or make it a standby of that one (pg_rewind); if it is the right one, name it alone in stateUrl',
    exit,
    make: () => databaseError(new Standby('db.example.com:5432', { why: 'replaced' }), WHERE),
  },
  {
    says: "the state's database at db.example.com:5432/kept does not encrypt connections",
    hint: 'set ssl = on at the server; only where nobody else can listen, put sslmode=disable into stateUrl',
    exit,
    make: () => databaseError(new Error('The server does not support SSL connections'), WHERE),
  },
  {
    says: "the state's database at db.example.com:5432/kept was upgraded by a newer version of recordupload, and is left as it is",
    hint: 'upgrade recordupload on this machine, too',
    exit,
    make: () => newerSchema(WHERE),
  },
  {
    says: "the database's encoding is SQL_ASCII, and the state needs UTF8",
    hint: "create a database with ENCODING 'UTF8', and name it in stateUrl",
    exit,
    make: () => wrongEncoding('SQL_ASCII'),
  },
  {
    says: "the state's database at db.example.com:5432/kept has a value that makes no sense",
    hint: 'restore it from a backup',
    exit,
    make: () => senseless(WHERE, undefined),
  },
  {
    says: 'another machine of the fleet is called studio, too, and is at work',
    hint: 'give each machine a name of its own: machine (RECORDUPLOAD_MACHINE) in its configuration',
    exit: EXIT.usage,
    make: () => sameName('studio'),
  },
  {
    says: 'another machine of the fleet is called studio, too, and was at work 3.0 s ago',
    hint: 'give each machine a name of its own: machine (RECORDUPLOAD_MACHINE) in its configuration; where this is that machine, with a new system, "machine: studio" says so',
    exit: EXIT.usage,
    make: () => sameHostName('studio', 3_000),
  },
  {
    says: 'stateUrl: sslrootcert /nowhere/root.pem cannot be read (ENOENT)',
    hint: 'name a file in PEM that you may read',
    exit: EXIT.usage,
    make: () =>
      openConnections(
        connectionSettings(fleet(`postgres://db.example.com/kept?sslrootcert=${join('/nowhere', 'root.pem')}`)),
      ),
  },
  {
    says: `stateUrl: sslrootcert ${KEY} has no certificate in it`,
    hint: 'name a file in PEM that you may read',
    exit: EXIT.usage,
    make: () => openConnections(connectionSettings(fleet(`postgres://db.example.com/kept?sslrootcert=${KEY}`))),
  },
  {
    says: `stateUrl: sslcert ${KEY} and sslkey ${KEY} cannot be used (…)`,
    hint: 'name a certificate and its own private key, in PEM and without a passphrase',
    exit: EXIT.usage,
    make: () => openConnections(connectionSettings(fleet(withCertificate(KEY)))),
  },
  {
    says: `stateUrl: sslkey ${OPEN_KEY} can be read by other users`,
    hint: `keep it to yourself: chmod 600 ${OPEN_KEY}`,
    exit: EXIT.usage,
    make: () => openConnections(connectionSettings(fleet(withCertificate(OPEN_KEY)))),
  },
  {
    says: 'stateUrl names no user, and the user of this process has no name',
    hint: 'name one: postgres://user@host/database',
    exit: EXIT.usage,
    make: () => nameless(undefined),
  },
  {
    says: 'stateUrl must begin with postgres:// and name a server, as postgres://user@host/database (the value is not shown)',
    exit: EXIT.usage,
    make: () => connectionSettings(fleet('https://db.example.com')),
  },
  {
    says: 'no machine of the fleet is called "studio-c"',
    hint: 'known: studio, studio-b',
    exit: EXIT.usage,
    make: () =>
      fleetView(
        { machines: async () => [{ ...IDLE, name: 'studio-b' }] },
        { stateUrl: 'postgres://db.example.com/kept', machine: 'studio', sharedFolders: false },
        'studio-c',
      ),
  },
  {
    says: 'what machine "studio-c" has done is not known here',
    hint: "run the command again once the state's database is back: recordupload doctor checks it",
    exit,
    make: () =>
      fleetView(
        { machines: async () => [], alone: () => 'it is away' },
        { stateUrl: 'postgres://db.example.com/kept', machine: 'studio', sharedFolders: false },
        'studio-c',
      ),
  },
  {
    says: 'recording 3 is not one of machine studio',
    hint: 'it is one of studio-b: leave --machine out',
    exit: EXIT.usage,
    make: () =>
      ofMachine('3', { recordings: [], queue: [{ ...QUEUED, machine: 'studio-b' }], deliveries: [] }, 'studio'),
  },
  {
    says: 'machine studio-b has a recording with the ID 3',
    hint: 'give this one another ID: --id, or an idPrefix in the configuration of each machine whose recorder counts from 1; if this machine was called studio-b before, call it so again: machine (RECORDUPLOAD_MACHINE)',
    exit: EXIT.recording,
    make: () => notClaimed('3', { ok: false, machine: 'studio-b' }),
  },
  {
    says: 'another process (pid 7 on studio-b) is at work on recording 3',
    hint: 'wait until it has ended; recordupload status shows what it does',
    exit: EXIT.busy,
    make: () => notClaimed('3', { ok: false, pid: 7, machine: 'studio-b' }),
  },
  {
    says: "process 7 on studio-b has taken recording 3 over: this one was cut off from the state's database",
    hint: 'nothing is lost: the other process finishes it (recordupload status)',
    exit: EXIT.busy,
    make: () => takenOver('3', { pid: 7, machine: 'studio-b' }),
  },
  {
    says: 'machine studio-b has taken recording 3 over: this one was cut off from the database',
    hint: 'nothing is lost: that machine finishes it (recordupload status)',
    exit: EXIT.busy,
    make: () => takenOverBy('studio-b', '3'),
  },
  {
    says: "recording 3 waits for the state's database: with sharedFolders, another machine may go on with it",
    hint: 'nothing is lost: what was sent is kept, and recordupload retry or watch goes on when the database is back',
    exit: EXIT.busy,
    make: () => waitsForDatabase('3'),
  },
  {
    says: 'the state of this machine was moved into PostgreSQL at db.example.com:5432/kept',
    hint: 'set stateUrl (RECORDUPLOAD_STATE_URL), or move it back: recordupload state move --to sqlite',
    exit: EXIT.usage,
    make: () => refuseMoved(marked('postgres', 1), { asSpool: false }),
  },
  {
    says: 'the state is being moved into PostgreSQL at db.example.com:5432/kept',
    hint: 'wait until that has ended; if it was interrupted, run it again: recordupload state move --to postgres',
    exit: EXIT.usage,
    make: () => refuseMoved(marked('postgres', 0), { asSpool: true }),
  },
  {
    says: 'the state is being moved back from PostgreSQL at db.example.com:5432/kept',
    hint: 'wait until that has ended; if it was interrupted, run it again: recordupload state move --to sqlite',
    exit: EXIT.usage,
    make: () => refuseMoved(marked('sqlite', 0), { asSpool: false }),
  },
  {
    says: 'a move to sqlite was begun and not finished (PostgreSQL at db.example.com:5432/kept)',
    hint: 'finish it first: recordupload state move --to sqlite',
    exit: EXIT.usage,
    make: () => unfinished({ destination: 'sqlite', place: WHERE, isOver: false, at: 0 }),
  },
  {
    says: 'the state of this machine (studio) was moved out of PostgreSQL',
    hint: 'remove stateUrl, or move it again: recordupload state move --to postgres',
    exit: EXIT.usage,
    make: () => movedOut('studio'),
  },
  {
    says: 'PostgreSQL at db.example.com:5432/kept has nothing of machine studio; nothing was moved',
    hint: 'call this machine as it was called when its state was moved there (known: studio-b): machine (RECORDUPLOAD_MACHINE)',
    exit: EXIT.usage,
    make: () => stranger('studio', WHERE, ['studio-b']),
  },
  {
    says: 'process 7 of this machine works on the state; nothing was moved',
    hint: 'stop recordupload watch and wait until uploads have ended (recordupload status), then run the command again',
    exit: EXIT.busy,
    make: () => othersWork([7, 7, undefined]),
  },
  {
    says: 'the copy of recording 3 has other files; nothing was removed',
    hint: 'run the command again; if that does not help, report it with the output of --json',
    exit: EXIT.changed,
    make: () => differs('3', 'files'),
  },
];
