import { readdirSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import type { Check } from '../campaign/check.ts';
import { contentOf, type Made } from './recorders.ts';
import type { Sample } from './worker.ts';

/** Each recording is in the bucket as its recorder wrote it, and nothing else is. */
export async function checkBucket(check: Check, { s3 }: Sandbox, made: readonly Made[]): Promise<void> {
  const problems: string[] = [];
  for (const { id, files, way } of made) {
    for (const [name, { sha256 }] of files) {
      const bytes = await s3.read(`${id}/${name}`).catch(() => undefined);
      if (!bytes) problems.push(`${id}/${name} (${way}) is missing`);
      else if (contentOf(bytes).sha256 !== sha256) problems.push(`${id}/${name} (${way}) has other bytes`);
    }
  }
  const wanted = new Set(
    made.flatMap(({ id, files }) => [...files.keys(), 'metadata.json'].map(name => `${id}/${name}`)),
  );
  for (const { key } of s3.objects()) if (!wanted.has(key)) problems.push(`${key} is nobody's`);
  check(`${made.length} recordings are in the bucket, byte for byte`, problems.length === 0, problems.slice(0, 20));
  check('no multipart upload is left', s3.uploads().length === 0, s3.uploads());
}

/** What each recording's webhooks were. */
export async function checkWebhooks(
  check: Check,
  { s3, receiver }: Sandbox,
  made: readonly Made[],
  again: ReadonlySet<string>,
): Promise<void> {
  const byRecording = Map.groupBy(
    receiver.requests().map(({ body, headers, status }) => ({ payload: JSON.parse(body), headers, status })),
    ({ payload }) => String(payload.recording_id),
  );
  const missing: string[] = [];
  const older: string[] = [];
  const others: string[] = [];
  const extra: string[] = [];
  let repeats = 0;
  for (const { id } of made) {
    const row = receiver.recording(id);
    if (!row) {
      missing.push(id);
      continue;
    }
    let newest = '';
    const accepted = new Map<string, number>();
    for (const { payload, headers, status } of byRecording.get(id) ?? []) {
      const at = String(payload.upload_timestamp);
      if (at < newest) older.push(id);
      if (status !== 200 && status !== 201 && status !== null) continue;
      newest = at;
      const webhookId = headers['webhook-id'] ?? '';
      accepted.set(webhookId, (accepted.get(webhookId) ?? 0) + 1);
    }
    repeats += [...accepted.values()].reduce((sum, times) => sum + times - 1, 0);
    if (accepted.size > (again.has(id) ? 2 : 1)) extra.push(`${id}: ${accepted.size} webhooks`);
    const stored = await s3.read(`${id}/metadata.json`).catch(() => Buffer.from('null'));
    if (!isDeepStrictEqual(JSON.parse(stored.toString()), row.payload)) others.push(id);
    const { total_size_mb } = row.payload.file_info as { total_size_mb: number };
    if (again.has(id) && total_size_mb < 1) missing.push(`${id} as it is now`);
  }
  check('each webhook was delivered', missing.length === 0, missing.slice(0, 20));
  check('no older payload came after a newer one', older.length === 0, older.slice(0, 20));
  check('the last payload of each is what metadata.json in the bucket says', others.length === 0, others.slice(0, 20));
  check(
    `each was told of once; ${repeats} repeats, with the same webhook-id, of answers that were lost`,
    extra.length === 0,
    extra.slice(0, 20),
  );
}

/** Connections to store and server that are kept open for the next request. */
const SOCKETS = 24;
/** Samples while the program starts. */
const WARM_UP = 10;

/** Memory, open files and seconds for each recording in the first third of a life, and in its last. */
export function checkFlat(check: Check, samples: readonly Sample[], seconds: readonly number[]): void {
  const [early, late] = thirds(samples.slice(WARM_UP));
  const rss = [early, late].map(third => median(third.map(({ rssMib }) => rssMib)));
  const files = [early, late].map(third => Math.min(...third.map(({ openFiles }) => openFiles)));
  // Not the median: of the slow ones, an outage's length is measured.
  const times = thirds(seconds).map(lowerQuartile);
  const arrow = (numbers: readonly number[], digits: number) => numbers.map(one => one.toFixed(digits)).join(' → ');
  check(`memory, first third to last: ${arrow(rss, 0)} MiB`, (rss[1] ?? 0) < (rss[0] ?? 0) + 40, rss);
  check(`fewest open files: ${arrow(files, 0)}`, (files[1] ?? 0) <= (files[0] ?? 0) + SOCKETS, files);
  const isFlat = (times[1] ?? 0) < 2 * (times[0] ?? 0) + 1;
  check(`seconds from a recording's end to its webhook, lower quartile: ${arrow(times, 1)}`, isFlat, times);
}

/** Names in the folders that a worker leaves behind. A killed one's own lock file is removed an hour later. */
export function checkLeftovers(check: Check, stateDir: string, roots: readonly string[]): void {
  const kept =
    /^(?:state\.db|worker\.lock|wake|owners|owners\/[-0-9a-f]{36}\.lock|logs|logs\/app\.log(?:\.\d+(?:\.gz)?|\.lock)?)$/;
  const others = (readdirSync(stateDir, { recursive: true }) as string[]).filter(name => !kept.test(name));
  check('the state folder has the state and the log, and nothing else', others.length === 0, others);
  const strange = roots
    .flatMap(root => readdirSync(root, { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && !/^(?:video\.mkv|transcript\.txt|done\.flag)$/.test(entry.name));
  check('nothing was written beside the recordings', strange.length === 0, strange.slice(0, 20));
}

function thirds<T>(all: readonly T[]): [T[], T[]] {
  const third = Math.ceil(all.length / 3);
  return [all.slice(0, third), all.slice(-third)];
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function lowerQuartile(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 4)] ?? 0;
}
