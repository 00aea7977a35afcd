import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from '@jest/globals';
import { MIGRATIONS } from '../../src/state/sqlite/migrations.ts';
import { openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { ask, cookieOf } from './support.ts';

const sandbox = await openSandbox({ receiver: { users: 'any' } });

test('watch --dashboard shows the worker and what it does', async () => {
  const desk = openDesk(sandbox, { RECORDUPLOAD_DASHBOARD_LISTEN: '127.0.0.1:0', RECORDUPLOAD_WATCH_QUIET: '1s' });
  makeRecording({ name: '7', parent: join(desk.cwd, 'recordings') });
  // As an older version has left it, which looking alone does not bring up to date.
  mkdirSync(desk.stateDir, { recursive: true, mode: 0o700 });
  const older = new DatabaseSync(join(desk.stateDir, 'state.db'));
  for (const step of MIGRATIONS.slice(0, 3)) older.exec(step);
  older.exec('PRAGMA user_version = 3');
  older.close();
  const worker = desk.start(['watch', 'recordings', '--dashboard']);
  const [, signIn = ''] = /for one sign-in: (\S+)/.exec(await worker.prints('?token=')) ?? [];
  const cookie = cookieOf((await ask(new URL(signIn))).headers);
  await worker.prints('Webhook sent successfully');
  const { status, body } = await ask(new URL('/', signIn), { cookie, headers: { accept: 'application/json' } });
  const { content } = JSON.parse(body) as { content: { worker: { pid: number } | null; counts: { done: number } } };
  expect([status, content.worker?.pid, content.counts.done]).toEqual([200, worker.pid, 1]);
  worker.kill('SIGTERM');
  expect((await worker.result).code).toBe(0);
  expect(desk.log().join('\n')).not.toContain('token=');
});
