import { isDeepStrictEqual } from 'node:util';
import type { Check } from '../../delivery/campaign/check.ts';
import type { Mishap } from './events.ts';
import type { Machine } from './machine.ts';
import { contentOf, type Made } from './recordings.ts';
import type { Services } from './services.ts';

/** Each recording is in the bucket as it was recorded last, and nothing is left half done. */
export async function checkBucket(check: Check, { sandbox: { s3 } }: Services, made: readonly Made[]): Promise<void> {
  const problems: string[] = [];
  for (const { id, sha256 } of made) {
    const bytes = await s3.read(`${id}/video.mkv`).catch(() => undefined);
    if (!bytes) problems.push(`${id} is missing`);
    else if (contentOf(bytes).sha256 !== sha256) problems.push(`${id} has other bytes`);
  }
  check(`${made.length} recordings are in the bucket, byte for byte`, problems.length === 0, problems.slice(0, 20));
  check('no multipart upload is left', s3.uploads().length === 0, s3.uploads());
}

/** What the server was told of each recording. */
export async function checkWebhooks(check: Check, services: Services, made: readonly Made[]): Promise<void> {
  const requests = Map.groupBy(
    services.serverRequests().map(({ body, headers, status }) => ({
      payload: JSON.parse(body) as Record<string, unknown>,
      body,
      webhookId: String(headers['webhook-id']),
      status,
    })),
    ({ payload }) => String(payload.recording_id),
  );
  const [missing, older, others, changed]: [string[], string[], string[], string[]] = [[], [], [], []];
  let repeats = 0;
  for (const { id, versions } of made) {
    const all = requests.get(id) ?? [];
    const known = services.sandbox.receiver.recording(id);
    if (!known) missing.push(id);
    let newest = '';
    const bodies = new Map<string, string>();
    for (const { payload, body, webhookId, status } of all) {
      const at = String(payload.upload_timestamp);
      if (at < newest) older.push(`${id}: ${at} after ${newest}`);
      // One without an answer may have been processed.
      if (status !== null && status >= 300) continue;
      newest = at;
      if (bodies.has(webhookId)) repeats++;
      if ((bodies.get(webhookId) ?? body) !== body) changed.push(webhookId);
      bodies.set(webhookId, body);
    }
    if (bodies.size > versions) changed.push(`${id}: ${bodies.size} webhooks of ${versions} versions`);
    const stored = await services.sandbox.s3.read(`${id}/metadata.json`).catch(() => Buffer.from('null'));
    if (!isDeepStrictEqual(JSON.parse(stored.toString()), known?.payload)) others.push(id);
  }
  check('each recording was delivered', missing.length === 0, missing.slice(0, 20));
  check('no older payload came after a newer one', older.length === 0, older.slice(0, 20));
  check('the last payload of each is what metadata.json in the bucket says', others.length === 0, others.slice(0, 20));
  check(`${repeats} repeats, each with the same webhook-id and body`, changed.length === 0, changed.slice(0, 20));
}

/**
 * At most one machine at a recording: the store has a run of requests of one, and another's only after something has
 * happened to the first.
 */
export function checkHands(
  check: Check,
  {
    services,
    machines,
    made,
    mishaps,
  }: { services: Services; machines: readonly Machine[]; made: readonly Made[]; mishaps: readonly Mishap[] },
  { isShared }: { isShared: boolean },
): void {
  const problems: string[] = [];
  let handovers = 0;
  const writes = ['PutObject', 'CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'];
  const byId = Map.groupBy(
    services.storeRequests().filter(({ operation }) => writes.includes(operation)),
    ({ key }) => key.split('/')[0] ?? '',
  );
  for (const { id, machine: owner } of made) {
    let holder: { name: string; since: number } | undefined;
    for (const { address, at, operation, partNumber } of byId.get(id) ?? []) {
      const name = machines.find(({ place }) => address.startsWith(place.addresses))?.name;
      const now = Date.parse(at);
      if (!name) problems.push(`${id}: ${address} is nobody's`);
      else if (!isShared && name !== owner) problems.push(`${id} is ${owner}'s, and ${name} sent ${operation} of it`);
      else if (holder && holder.name !== name) {
        handovers++;
        const { since, name: before } = holder;
        const excuse = mishaps.some(one => one.machine === before && one.from > since - 60_000 && one.from < now);
        if (!excuse) problems.push(`${id}: ${operation} ${partNumber ?? ''} of ${name} while ${before} had it`);
        holder = { name, since: now };
      } else holder ??= { name, since: now };
    }
  }
  const said = isShared ? `, ${handovers} times from one that was killed or cut off to another` : '';
  check(`at most one machine was at a recording${said}`, problems.length === 0, problems.slice(0, 20));
}

export function checkSpools(check: Check, machines: readonly Machine[]): void {
  const left = machines.flatMap(machine => machine.spooled().map(what => `${machine.name}: ${what}`));
  check('nothing is left in any spool', left.length === 0, left.slice(0, 20));
}
