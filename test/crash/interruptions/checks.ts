import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Payload, toMebibytes } from '../../../src/core/payload/payload.ts';
import { DETAILS, ID, type Machine } from './machine.ts';
import { readMemory } from './memory.ts';
import type { Plan } from './plan.ts';

/** The bucket has the recording, byte for byte, and nothing else. */
export async function checkBucket({ sandbox: { s3 }, dir }: Machine, { files }: Plan): Promise<string[]> {
  const names = Object.keys(files);
  const problems: string[] = [];
  for (const name of names) {
    const object = await s3.read(`${ID}/${name}`).catch(() => undefined);
    if (!object) problems.push(`${name} is not in the bucket`);
    else if (!object.equals(readFileSync(join(dir, name)))) problems.push(`${name} has other bytes in the bucket`);
  }
  const expected = [...names, 'metadata.json'].map(name => `${ID}/${name}`).sort();
  const keys = s3.objects().map(({ key }) => key);
  if (!isDeepStrictEqual(keys.sort(), expected)) problems.push(`the bucket has ${keys.join(', ')}`);
  return problems;
}

/** No upload is left open but those given: what began with the state that was lost, and got no part. */
export function checkNoOrphans({ sandbox: { s3 } }: Machine, excused: ReadonlySet<string>): string[] {
  return s3
    .uploads()
    .filter(({ uploadId }) => !excused.has(uploadId))
    .map(({ key, parts }) => `an upload of ${key} with ${parts.length} parts is left over`);
}

/** The server was told exactly what is so, in the words of `metadata.json`; and all tries were one delivery. */
export async function checkDelivery({ sandbox }: Machine, plan: Plan): Promise<string[]> {
  const { s3, receiver } = sandbox;
  const problems: string[] = [];
  const metadata = (await s3.read(`${ID}/metadata.json`).catch(() => Buffer.from('nothing'))).toString();
  const requests = receiver.requests();
  const last = requests.findLast(({ status }) => status === 200 || status === 201);
  if (!last) return ['the server was never told'];
  if (last.body !== metadata) problems.push(`the server was told ${last.body}, but metadata.json says ${metadata}`);

  const { upload_timestamp: timestamp, ...told } = JSON.parse(last.body) as Payload;
  const expected = expectedPayload(plan, sandbox);
  if (!isDeepStrictEqual(told, expected)) problems.push(`told: ${last.body}; expected: ${JSON.stringify(expected)}`);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/.test(timestamp)) problems.push(`upload_timestamp: ${timestamp}`);

  const ids = new Set(requests.map(({ headers }) => headers['webhook-id'] ?? 'no webhook-id'));
  const mostIds = plan.kind === 'state lost' ? 2 : 1;
  if (ids.size > mostIds || ids.has('no webhook-id')) problems.push(`one delivery had the ids ${[...ids].join(', ')}`);
  for (const id of ids) {
    const bodies = new Set(requests.filter(({ headers }) => headers['webhook-id'] === id).map(({ body }) => body));
    bodies.delete(''); // struck before the body had come in
    if (bodies.size > 1) problems.push(`${id} was sent with ${bodies.size} bodies`);
  }
  const refused = requests.filter(({ status }) => status !== null && status >= 300);
  if (refused.length > 0) problems.push(`the server answered ${refused.map(({ status }) => status).join()}`);
  return problems;
}

/** By the contract, and not by what the program does. */
function expectedPayload({ files }: Plan, { s3 }: Machine['sandbox']): Omit<Payload, 'upload_timestamp'> {
  const sizes = Object.entries(files);
  const { title, createdAt, durationSeconds, email } = DETAILS;
  const url = (name: string) => `${s3.url}/${s3.bucket}/${ID}/${name}`;
  return {
    recording_id: Number(ID),
    title,
    created_at: createdAt,
    duration_seconds: durationSeconds,
    duration_database: durationSeconds,
    user_info: { email },
    file_info: {
      total_size_mb: toMebibytes(sizes.reduce((sum, [, size]) => sum + size, 0)),
      individual_sizes_mb: Object.fromEntries(sizes.map(([name, size]) => [name, toMebibytes(size)])),
    },
    uploaded_files: {
      video: url('video.mkv'),
      thumbnail: url('thumbnail.jpg'),
      transcript: url('transcript.txt'),
      metadata: url('metadata.json'),
    },
    upload_source: 'cli',
    bucket_name: s3.bucket,
    region: s3.region,
  };
}

/** The state is sound, and knows that all is done. */
export function checkMemory({ stateDir }: Machine, { files }: Plan): string[] {
  const { recordings, uploaded, open, parts, deliveries, integrity } = readMemory(stateDir);
  const expected = {
    recordings: [{ id: ID, state: 'done', error: null, claimed: 0 }],
    uploaded: Object.keys(files).sort(),
    open: [],
    parts: [],
    deliveries: ['delivered'],
    integrity: 'ok',
  };
  const found = {
    recordings: recordings.map(row => ({ ...row })),
    uploaded,
    open,
    parts,
    deliveries: deliveries.map(({ state }) => state),
    integrity,
  };
  return isDeepStrictEqual(found, expected) ? [] : [`the state says ${JSON.stringify(found)}`];
}
