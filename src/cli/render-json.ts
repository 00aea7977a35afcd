import type { DeliveryReport } from '../core/delivery/delivery-report.ts';
import type { UploadReport } from '../core/upload/upload-report.ts';
import { jsonError } from './failure.ts';

/** An upload as scripts see it. */
export function uploadJson(report: UploadReport) {
  return {
    recordingId: report.recordingId,
    dir: report.dir,
    target: report.target,
    outcome: report.outcome,
    files: report.files.map(file =>
      file.outcome === 'failed'
        ? {
            name: file.name,
            role: file.role,
            key: file.key,
            sizeBytes: file.sizeBytes,
            outcome: file.outcome,
            error: jsonError(file.error),
          }
        : {
            name: file.name,
            role: file.role,
            key: file.key,
            sizeBytes: file.sizeBytes,
            outcome: file.outcome,
            sentBytes: file.sentBytes,
            etag: file.etag,
          },
    ),
    metadata: {
      key: report.metadata.key,
      outcome: report.metadata.outcome,
      ...(report.metadata.error && { error: jsonError(report.metadata.error) }),
    },
    skipped: report.skipped,
    payload: report.payload,
    sentBytes: report.sentBytes,
    durationMs: Math.round(report.durationMs),
  };
}

/** A delivery as scripts see it. */
export function deliveryJson(delivery: DeliveryReport) {
  const { recordingId, endpoint, webhookId, outcome, action, status, detail, nextAt, durationMs } = delivery;
  return {
    recordingId,
    endpoint,
    webhookId,
    outcome,
    ...(action && { action }),
    ...(status !== undefined && { status }),
    ...(detail && { detail }),
    ...(nextAt !== undefined && { nextAt: new Date(nextAt).toISOString() }),
    ...(durationMs !== undefined && { durationMs }),
  };
}
