import type { ClaimResult } from '../../../src/core/delivery/claims.ts';
import type { Attempt, ClaimedDelivery } from '../../../src/core/delivery/delivery.ts';
import type { Enqueued } from '../../../src/core/delivery/outbox.ts';
import { contentHash } from '../../../src/core/payload/payload.ts';
import type { Recording, RecordingId } from '../../../src/core/recording/recording.ts';
import type { State } from '../../../src/state/state.ts';
import { payloadOf } from '../../core/webhook/support.ts';

export const PID = 4711;
export const NOW = Date.UTC(2026, 0, 1);
export const HOUR = 3_600_000;
export const TARGET = 'https://s3.example.com/fyemeet';
const ID = '3' as RecordingId;
export const REF = { target: TARGET, recordingId: ID };
export const RECORDING: Recording = {
  id: ID,
  dir: '/recordings/3',
  files: [],
  skipped: [],
  details: { title: 'A meeting', createdAt: '2026-01-02 03:04:05.000000', user: { email: 'ada@example.com' } },
};
const FILE = 'video.mkv';
export const FILE_REF = { ...REF, name: FILE };
export const IDENTITY = { sizeBytes: 20_000_000, mtimeNs: '1790000000123456789', inode: '18446744073709551615' };
export const UPLOAD = {
  name: FILE,
  uploadId: 'u1',
  token: 't1',
  askedAt: null,
  partSizeBytes: 8_388_608,
  live: false,
  ...IDENTITY,
};
export const part = (number: number) => ({ number, etag: `etag${number}`, sha256: `sha${number}` });
export const FACTS = { role: 'video' as const, ...IDENTITY };
export const OBJECT = { partSizeBytes: 8_388_608, checksum: 'abc-3', etag: 'e-3', token: 't1' };
export const ATTEMPT: Omit<Attempt, 'number'> = {
  trigger: 'retry',
  at: NOW,
  durationMs: 5,
  outcome: 'delivered',
  status: 201,
  error: null,
  excerpt: null,
};

/** Queues a payload for a recording. */
export function enqueue(
  { outbox }: Pick<State, 'outbox'>,
  recordingId: number | string,
  options: { title?: string; endpoints?: readonly string[]; now?: number; force?: boolean; hold?: 'no-email' } = {},
): Promise<Enqueued[]> {
  const { title, endpoints = ['default'], now = NOW, force, hold } = options;
  const payload = payloadOf(recordingId, title);
  const hash = contentHash(JSON.parse(payload));
  return outbox.enqueue({ recordingId: String(recordingId), endpoints, payload, contentHash: hash, force, hold, now });
}

/** Claims those that are due. */
export async function claimAll(
  { claims }: Pick<State, 'claims'>,
  now = NOW,
  options: { endpoint?: string; dueBy?: number; limit?: number } = {},
): Promise<ClaimedDelivery[]> {
  const { endpoint = 'default', dueBy = now, limit = 1000 } = options;
  const candidates = await claims.candidates({ endpoint, dueBy });
  const results = await claims.claim(candidates, limit, now, { restart: false });
  return results.flatMap(result => (typeof result === 'object' && 'delivery' in result ? [result.delivery] : []));
}

/** The delivery of a claim that succeeded. */
export function claimedOf(result: ClaimResult | undefined): ClaimedDelivery {
  if (typeof result === 'object' && 'delivery' in result) return result.delivery;
  throw new Error(`not claimed: ${JSON.stringify(result)}`);
}

/** Records a claimed delivery as delivered. */
export function deliver({ claims }: Pick<State, 'claims'>, delivery: ClaimedDelivery, now = NOW): Promise<boolean> {
  return claims.settle({ delivery, now, attempt: ATTEMPT, next: { state: 'delivered' } });
}

/** Records a claimed delivery as held. */
export function hold({ claims }: Pick<State, 'claims'>, delivery: ClaimedDelivery, now = NOW): Promise<boolean> {
  const attempt = { ...ATTEMPT, outcome: 'held' as const, status: 400, error: 'no e-mail' };
  return claims.settle({ delivery, now, attempt, next: { state: 'held', heldReason: 'rejected', retries: 0 } });
}
