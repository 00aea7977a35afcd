import { randomBytes } from 'node:crypto';
import { type CoreEvent, type Observer, WEBHOOK_FAILED_AFTER_UPLOAD } from '../../core/events.ts';
import { printableJson } from '../../core/text.ts';
import { whyNotWritten } from '../../core/write-failure.ts';
import { liveEndText } from './live-text.ts';
import { openLogFile } from './log-file.ts';
import { StuckLog } from './own-log.ts';

/**
 * Writes `logs/app.log`: one line of JSON per event, with `msg` in the contract's words and the ID of the run. Never throws:
 * work continues without a log.
 */
export interface Log {
  observe: Observer;
  line(level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
}

/** Opens the log for appending. Calls `warn` once if the log cannot be written. */
export function openLog(file: string, warn: (message: string) => void): Log {
  const destination = openLogFile(file, error => {
    if (error instanceof StuckLog) warn(`the log ${file} grows beyond its limit: ${error.message}; rename that file`);
    else warn(`the log ${file} cannot be written: ${whyNotWritten(error, file)}; the work continues without it`);
  });
  // `run` is a random word that all lines of this process share.
  const base = { pid: process.pid, run: randomBytes(4).toString('hex') };
  const line: Log['line'] = (level, message, fields = {}) => {
    const time = new Date().toISOString();
    destination.write(`${printableJson({ level, time, ...base, ...fields, msg: message })}\n`);
  };
  return {
    line,
    observe(event) {
      const entry = entryOf(event);
      if (entry) line(...entry);
    },
  };
}

type Entry = [level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>];

/** The line for an event; undefined if it gets none. */
function entryOf(event: CoreEvent): Entry | undefined {
  switch (event.type) {
    case 'recording-waiting': {
      const { dir, name, reason, settleMs } = event;
      return ['info', 'waiting for the recorder', { dir, file: name, reason, settleMs }];
    }
    case 'upload-refused': {
      const { dir, error } = event;
      return ['error', 'upload refused', { dir, error: error.message, hint: error.hint }];
    }
    case 'upload-waiting':
      return ['info', 'upload waits', { dir: event.dir, reason: event.error.message }];
    case 'upload-enqueued':
      return ['info', 'upload enqueued', { recording: event.recordingId, dir: event.dir }];
    case 'watch-started':
      return ['info', 'worker started', { roots: event.roots }];
    case 'recording-finished':
      return ['info', 'recording finished', { dir: event.dir, by: event.by }];
    case 'recording-grew':
      return ['warn', 'recording changed after it was finished', { dir: event.dir, files: event.names }];
    case 'upload-ended': {
      const { recordingId, dir, outcome, files, sentBytes, durationMs, error, retryInMs } = event;
      const fields = {
        recording: recordingId,
        dir,
        outcome,
        files,
        sent: sentBytes,
        durationMs: Math.round(durationMs),
      };
      if (!error) return ['info', 'upload ended', fields];
      return ['error', 'upload incomplete', { ...fields, error: error.message, hint: error.hint, retryInMs }];
    }
    case 'upload-given-up':
      return ['warn', `upload given up: ${event.reason}`, { recording: event.recordingId, dir: event.dir }];
    case 'notice':
      return ['info', event.message, {}];
    case 'recording-started':
      return ['info', 'upload started', { recording: event.recordingId, dir: event.dir, files: event.files.length }];
    case 'file-finished':
      return [
        'info',
        'file uploaded',
        { recording: event.recordingId, file: event.name, bytes: event.sizeBytes, sent: event.sentBytes },
      ];
    case 'file-unchanged':
      return [
        'info',
        'file already uploaded',
        { recording: event.recordingId, file: event.name, bytes: event.sizeBytes },
      ];
    case 'live-started': {
      const { recordingId, dir, name, resumedParts } = event;
      return ['info', 'live upload started', { recording: recordingId, dir, file: name, resumedParts }];
    }
    case 'live-paused': {
      const { recordingId, name, reason } = event;
      return ['warn', 'live upload paused', { recording: recordingId, file: name, reason }];
    }
    case 'live-given-up': {
      const { recordingId, name, reason } = event;
      return ['warn', `live upload given up: ${reason}`, { recording: recordingId, file: name, reason }];
    }
    case 'live-ended': {
      const { recordingId, name, parts, keptParts, changedParts } = event;
      return ['info', liveEndText(event), { recording: recordingId, file: name, parts, keptParts, changedParts }];
    }
    case 'file-retrying':
      return [
        'warn',
        'upload retried',
        { recording: event.recordingId, file: event.name, reason: event.reason, delayMs: event.delayMs },
      ];
    case 'file-failed':
      return ['error', 'file failed', { recording: event.recordingId, file: event.name, error: event.error.message }];
    case 'webhook-waiting': {
      const { recordingId, endpoint, webhookId, until } = event;
      const fields = { recording: recordingId, endpoint, delivery: webhookId, until: new Date(until).toISOString() };
      return ['info', 'webhook waits: an older payload may still be arriving', fields];
    }
    case 'webhook-sending':
      return [
        'info',
        `📤 Sending webhook to ${event.url}`,
        { recording: event.recordingId, endpoint: event.endpoint, delivery: event.webhookId, trigger: event.trigger },
      ];
    case 'webhook-answered': {
      const { recordingId, endpoint, webhookId, line, outcome, status, durationMs, detail } = event;
      const fields = { recording: recordingId, endpoint, delivery: webhookId, outcome, status, durationMs, detail };
      return [outcome === 'delivered' ? 'info' : 'error', line, fields];
    }
    case 'webhook-failed-after-upload':
      return ['warn', WEBHOOK_FAILED_AFTER_UPLOAD, { recording: event.recordingId }];
    case 'alert': {
      const { to, event: about, outcome, detail } = event;
      return [outcome === 'sent' ? 'info' : 'warn', `alert ${outcome}`, { to, event: about, detail }];
    }
    case 'local-file-removed': {
      const { recordingId, dir, name, sizeBytes, isEarlier } = event;
      const fields = { recording: recordingId, dir, file: name, bytes: sizeBytes, ...(isEarlier && { earlier: true }) };
      return ['info', 'local file removed', fields];
    }
    case 'local-files-removed': {
      const { recordingId, dir, folderRemoved, left } = event;
      return ['info', 'local files removed', { recording: recordingId, dir, folderRemoved, left: left.slice(0, 20) }];
    }
    case 'local-files-kept':
      return ['warn', 'local files kept', { recording: event.recordingId, dir: event.dir, reason: event.reason }];
    case 'upload-aborted':
      return ['info', 'abandoned upload deleted', { key: event.key, upload: event.uploadId }];
    case 'state-pruned': {
      const { deliveries, deadOwners, freedBytes } = event;
      return ['info', 'state pruned', { deliveries, deadOwners, freedBytes }];
    }
    case 'warning':
      return ['warn', event.message, { recording: event.recordingId }];
    default:
      return undefined;
  }
}
