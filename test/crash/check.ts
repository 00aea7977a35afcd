import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';

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

/** Nothing is under way any more, and everything is known to be done. */
export function checkState(stateDir: string, id: string): string[] {
  const sql = new DatabaseSync(join(stateDir, 'state.db'), { readOnly: true });
  const problems: string[] = [];
  const expectRows = (what: string, query: string, expected: string[]) => {
    const rows = sql
      .prepare(query)
      .all()
      .map(row => Object.values(row).join(' '));
    if (rows.join('\n') !== expected.join('\n')) problems.push(`${what}: ${rows.join(', ') || 'nothing'}`);
  };
  try {
    expectRows('integrity', 'PRAGMA integrity_check', ['ok']);
    expectRows('recordings', 'SELECT id, state, error, claimed_by FROM recordings', [`${id} done  `]);
    expectRows('files', 'SELECT name, state FROM files ORDER BY name', [
      'thumbnail.jpg uploaded',
      'transcript.txt uploaded',
      'video.mkv uploaded',
    ]);
    expectRows('open uploads', 'SELECT name, upload_id FROM multipart_uploads', []);
    expectRows('parts', 'SELECT name, number FROM parts', []);
    expectRows('newest delivery', 'SELECT state, claim FROM deliveries ORDER BY seq DESC LIMIT 1', ['delivered ']);
    expectRows('other deliveries', `SELECT seq FROM deliveries WHERE state NOT IN ('delivered', 'superseded')`, []);
  } finally {
    sql.close();
  }
  return problems;
}
