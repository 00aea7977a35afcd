import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openState } from '../../src/state/open.ts';

const TARGET = 'https://s3.example.com/b';
const TITLES = ['Weekly standup', 'Board meeting', 'Design review', 'Interview with Zoë'];

/**
 * A state that knows so many recordings, one of them every 20 s. Unless all of it is done, one of 1,000 is unfinished, and of
 * 500, one has a webhook that is held.
 */
export async function fillState(
  stateDir: string,
  recordings: number,
  { isAllDone = false }: { isAllDone?: boolean } = {},
): Promise<void> {
  // Makes the tables.
  await (await openState(stateDir)).close();
  const database = new DatabaseSync(join(stateDir, 'state.db'));
  const recording = database.prepare(
    `INSERT INTO recordings (target, id, dir, details, state, metadata, webhooks, created_at, updated_at, unfinished_since)
     VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)`,
  );
  const file = database.prepare(
    `INSERT INTO files (target, recording_id, name, role, size, mtime_ns, inode, state, updated_at)
     VALUES (?, ?, ?, 'video', ?, '1', '1', 'uploaded', ?)`,
  );
  const delivery = database.prepare(
    `INSERT INTO deliveries (webhook_id, endpoint, recording_id, payload, content_hash, state, held_reason, attempts,
       created_at, next_at, settled_at)
     VALUES (?, 'default', ?, ?, ?, ?, ?, 1, ?, ?, ?)`,
  );
  const attempt = database.prepare(`INSERT INTO attempts VALUES (?, 1, 'upload', ?, 12, ?, ?, ?, NULL)`);
  const now = Date.now();
  database.exec('BEGIN');
  for (let index = 0; index < recordings; index++) {
    const at = now - (recordings - index) * 20_000;
    const id = `recording-${index}`;
    const title = `${TITLES[index % TITLES.length]} ${index}`;
    const details = { title, createdAt: '2026-01-02 03:04:05.000000', user: { email: 'ada@example.com' } };
    const isDone = isAllDone || index % 1000 !== 7;
    const isHeld = !isAllDone && index % 500 === 3;
    recording.run(
      TARGET,
      id,
      `/recordings/${id}`,
      JSON.stringify(details),
      isDone ? 'done' : 'partial',
      'x'.repeat(1500),
      at,
      at,
      isDone ? null : at,
    );
    for (const name of ['video.mkv', 'thumbnail.jpg', 'transcript.txt']) file.run(TARGET, id, name, 500_000, at);
    const state = isHeld ? 'held' : 'delivered';
    delivery.run(`msg_${index}`, id, 'y'.repeat(1500), `h${index}`, state, isHeld ? 'rejected' : null, at, at, at);
    attempt.run(index + 1, at, state, isHeld ? 400 : 201, isHeld ? 'the server knows no such user' : null);
  }
  database.exec('COMMIT');
  database.close();
}
