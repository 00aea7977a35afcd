import type { Cluster } from '../support/postgres.ts';

/** In one statement, of which the server keeps the rows until its end. */
const AT_ONCE = 50_000;

/** Fills a fleet's schema: one recording every 20 s, of 20 machines. All of it is done: `status` ends with 0 then. */
export async function fillFleet(cluster: Cluster, database: string, recordings: number): Promise<void> {
  const target = "'https://s3.example.com/b'";
  const at = `((extract(epoch FROM now()) * 1000)::bigint - (${recordings} - n::bigint) * 20000)`;
  const schema = 'recordupload';
  for (let from = 0; from < recordings; from += AT_ONCE) {
    const series = `generate_series(${from}, ${Math.min(from + AT_ONCE, recordings) - 1}) AS n`;
    await cluster.run(
      `INSERT INTO ${schema}.recordings (target, id, machine, dir, details, state, metadata, webhooks, created_at, updated_at,
         unfinished_since, done_at)
       SELECT ${target}, 'recording-' || n, 'studio-' || n % 20, '/recordings/recording-' || n,
         '{"title":"Weekly standup ' || n || '","createdAt":"2026-01-02 03:04:05.000000","user":{"email":"ada@example.com"}}',
         'done', repeat(md5(n::text), 47), 1, ${at}, ${at}, NULL, ${at}
       FROM ${series};
       INSERT INTO ${schema}.files (target, recording_id, name, role, size, mtime_ns, inode, state, updated_at)
       SELECT ${target}, 'recording-' || n, name, 'video', 500000, '1', '1', 'uploaded', ${at}
       FROM ${series}, unnest(ARRAY['video.mkv', 'thumbnail.jpg', 'transcript.txt']) AS name;
       WITH made AS (
         INSERT INTO ${schema}.deliveries (webhook_id, endpoint, recording_id, payload, content_hash, state, attempts,
           created_at, next_at, settled_at)
         SELECT 'msg_' || n, 'default', 'recording-' || n, repeat(md5(n::text), 47), 'h' || n,
           'delivered', 1, ${at}, ${at}, ${at}
         FROM ${series} RETURNING seq, state, created_at)
       INSERT INTO ${schema}.attempts (delivery, number, trigger, at, duration, outcome, status)
       SELECT seq, 1, 'upload', created_at, 12, state, 201 FROM made`,
      database,
    );
  }
  await cluster.run('VACUUM ANALYZE', database);
}
