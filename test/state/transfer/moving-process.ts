import { parseDatabaseUrl } from '../../../src/core/database-url.ts';
import { openDatabase as openPostgres } from '../../../src/state/postgres/database.ts';
import { openDatabase as openSqlite } from '../../../src/state/sqlite/database.ts';
import { moveState } from '../../../src/state/transfer/move.ts';

// Moves a state, as `recordupload state move` does, for tests that kill it: <folder> <URL> <postgres | sqlite>
const [stateDir = '', url = '', to] = process.argv.slice(2);
const parsed = parseDatabaseUrl(url);
if (!parsed.ok) throw new Error(parsed.flaw);
const sqlite = await openSqlite(stateDir);
const postgres = await openPostgres({
  url: parsed.url,
  applicationName: 'recordupload',
  self: { machine: 'studio-a', fingerprint: 'studio-a', pid: process.pid, version: '1.0.0' },
  sharedFolders: false,
});
process.stdout.write('begins\n');
await moveState(
  { sqlite, stateDir, postgres },
  { to: to === 'sqlite' ? 'sqlite' : 'postgres', dryRun: false, now: Date.now(), signal: new AbortController().signal },
);
await postgres.close();
await sqlite.close();
