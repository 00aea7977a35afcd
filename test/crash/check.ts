import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Cluster } from '../support/postgres.ts';

/** The server was told, of everything, in the words that are in the bucket; the same words under the same id. */
export async function checkDelivery(
  { s3, receiver }: Sandbox,
  id: string,
  files: Record<string, number>,
  title: string,
): Promise<string[]> {
  const told = receiver.recording(Number(id))?.payload;
  if (!told) return ['the server was never told'];
  const problems: string[] = [];
  const metadata = JSON.parse((await s3.read(`${id}/metadata.json`)).toString());
  if (told.title !== title) problems.push(`the server keeps the title ${told.title} instead of ${title}`);
  if (!isDeepStrictEqual(told, metadata)) problems.push(`the server was told ${JSON.stringify(told)}`);
  const { file_info: info, uploaded_files: uploaded } = told as {
    file_info: { total_size_mb: number; individual_sizes_mb: Record<string, number> };
    uploaded_files: Record<string, string>;
  };
  const mebibytes = (bytes: number) => Math.round((bytes / 1024 / 1024) * 100) / 100;
  const sizes = Object.fromEntries(Object.entries(files).map(([name, size]) => [name, mebibytes(size)]));
  if (!isDeepStrictEqual(info.individual_sizes_mb, sizes)) problems.push(`sizes: ${JSON.stringify(info)}`);
  if (info.total_size_mb !== mebibytes(Object.values(files).reduce((sum, size) => sum + size, 0)))
    problems.push(`total: ${info.total_size_mb}`);
  if (Object.keys(uploaded).join() !== 'video,thumbnail,transcript,metadata')
    problems.push(`files: ${Object.keys(uploaded).join()}`);

  const bodies = new Map<string, string>();
  for (const { headers, body } of receiver.requests()) {
    const webhookId = headers['webhook-id'] ?? '';
    if ((bodies.get(webhookId) ?? body) !== body) problems.push(`${webhookId} was sent with two bodies`);
    bodies.set(webhookId, body);
  }
  if (new Set(bodies.values()).size !== bodies.size) problems.push('one body was sent under two ids');
  return problems;
}

/** What the state says of a recording once everything is done. */
const rowsOf = (id: string): readonly [what: string, query: string, expected: string[]][] => [
  ['recordings', 'SELECT id, state, error, claimed_by FROM recordings', [`${id} done  `]],
  [
    'files',
    'SELECT name, state FROM files ORDER BY name',
    ['thumbnail.jpg uploaded', 'transcript.txt uploaded', 'video.mkv uploaded'],
  ],
  ['open uploads', 'SELECT name, upload_id FROM multipart_uploads', []],
  ['parts', 'SELECT name, number FROM parts', []],
  ['newest delivery', 'SELECT state, claim FROM deliveries ORDER BY seq DESC LIMIT 1', ['delivered ']],
  ['other deliveries', `SELECT seq FROM deliveries WHERE state NOT IN ('delivered', 'superseded')`, []],
];

function compared(what: string, rows: readonly Record<string, unknown>[], expected: readonly string[]): string[] {
  const lines = rows.map(row => Object.values(row).join(' '));
  return lines.join('\n') === expected.join('\n') ? [] : [`${what}: ${lines.join(', ') || 'nothing'}`];
}

/** Nothing is under way any more, and everything is known to be done. */
export function checkState(stateDir: string, id: string): string[] {
  const sql = new DatabaseSync(join(stateDir, 'state.db'), { readOnly: true });
  try {
    return [['integrity', 'PRAGMA integrity_check', ['ok']] as const, ...rowsOf(id)].flatMap(
      ([what, query, expected]) => compared(what, sql.prepare(query).all(), expected),
    );
  } finally {
    sql.close();
  }
}

/** The same of a state in PostgreSQL. */
export async function checkFleetState(cluster: Cluster, database: string, id: string): Promise<string[]> {
  const problems: string[] = [];
  for (const [what, query, expected] of rowsOf(id)) {
    const rows = await cluster.run(query.replace(' FROM ', ' FROM recordupload.'), database);
    problems.push(...compared(what, rows, expected));
  }
  return problems;
}

/** Nothing is left in a machine's own file that its fleet's database does not know. */
export function checkSpool(stateDir: string): string[] {
  const sql = new DatabaseSync(join(stateDir, 'state.db'), { readOnly: true });
  try {
    return [
      ['spool', 'SELECT recording_id FROM spooled WHERE is_ahead = 1'] as const,
      ['webhooks of the spool', 'SELECT webhook_id, state FROM deliveries'] as const,
    ].flatMap(([what, query]) => compared(what, sql.prepare(query).all(), []));
  } finally {
    sql.close();
  }
}
