import { recordingStatus } from '../../app/recording-status.ts';
import type { Runtime } from '../../app/runtime.ts';
import type { FileProgress, RecordingStatus } from '../../core/status/overview.ts';
import { printableJson } from '../../core/text.ts';
import type { OverviewContent, RecordingContent } from '../views/model.ts';
import { queuedRow, uploadRow } from './overview.ts';

/**
 * All that is known of one recording.
 * @param live the overview, which knows how fast uploads are
 * @throws AppError `USAGE` if the recording is not known, `STATE`
 */
export async function recordingContent(
  id: string,
  runtime: Runtime,
  live: Pick<OverviewContent, 'uploads' | 'now'>,
): Promise<RecordingContent> {
  const { recordingId, uploads, queue, webhooks } = await recordingStatus({ id }, runtime);
  const stored = uploads.flatMap(upload => upload.files).filter(file => file.state === 'uploaded');
  const named = (pattern: RegExp) => stored.find(file => pattern.test(file.name))?.name ?? null;
  const payload = webhooks.at(-1)?.delivery.payload ?? uploads.at(-1)?.metadata ?? null;
  return {
    now: live.now,
    id: recordingId,
    title: titleOf(payload),
    uploads: uploads.map(upload => recordedUpload(upload, live)),
    queue: queue.map(entry => ({ ...queuedRow(entry), state: entry.state })),
    video: named(/^video\.\w+$/i),
    thumbnail: named(/^thumbnail\.\w+$/i),
    webhooks: webhooks.map(({ delivery, attempts }) => ({
      webhookId: delivery.webhookId,
      endpoint: delivery.endpoint,
      state: delivery.state === 'pending' ? 'waiting' : delivery.state,
      heldReason: delivery.heldReason,
      createdAt: delivery.createdAt,
      nextAt: delivery.state === 'pending' ? delivery.nextAt : null,
      settledAt: delivery.settledAt,
      attempts: attempts.map(one => ({ ...one })),
    })),
    payload: payload && pretty(payload),
  };
}

function recordedUpload(
  upload: RecordingStatus,
  { uploads }: Pick<OverviewContent, 'uploads'>,
): RecordingContent['uploads'][number] {
  const { target, id, state, since, updatedAt, files } = upload;
  const seen = uploads.find(one => one.target === target && one.id === id);
  const row = uploadRow(
    { ...upload, state: state === 'done' ? 'partial' : state, since: since ?? updatedAt },
    {
      bytes: files.reduce((sum, file) => sum + bytesOf(file), 0),
      totalBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
      rate: seen?.rate ?? null,
      leftMs: seen?.leftMs ?? null,
    },
  );
  return { ...row, recordingState: state, updatedAt };
}

function bytesOf({ state, sizeBytes, partsDone, parts }: FileProgress): number {
  if (state === 'uploaded') return sizeBytes;
  return parts > 0 ? Math.round((sizeBytes * partsDone) / parts) : 0;
}

function titleOf(payload: string | null): string | null {
  try {
    const { title } = JSON.parse(payload ?? '{}') as { title?: unknown };
    return typeof title === 'string' ? title : null;
  } catch {
    return null;
  }
}

function pretty(payload: string): string {
  try {
    return printableJson(JSON.parse(payload), 2);
  } catch {
    return payload;
  }
}
