import type { Row, Values } from './script.ts';

/*
 * What both databases keep, under the same names. Who has claimed something stays behind: claims end with their process.
 */

/** Columns of what belongs to one recording; `recordings` itself comes first. */
export const COLUMNS = {
  recordings: [
    'target',
    'id',
    'dir',
    'details',
    'state',
    'error',
    'metadata',
    'metadata_etag',
    'webhooks',
    'created_at',
    'updated_at',
    'unfinished_since',
    'token',
    'refused',
    'done_at',
    'sent_at',
    'local_removing',
    'local_removed_at',
    'local_note',
  ],
  files: [
    'target',
    'recording_id',
    'name',
    'role',
    'size',
    'mtime_ns',
    'inode',
    'state',
    'part_size',
    'checksum',
    'etag',
    'token',
    'error',
    'updated_at',
    'removed_at',
  ],
  multipart_uploads: [
    'target',
    'recording_id',
    'name',
    'upload_id',
    'token',
    'part_size',
    'size',
    'mtime_ns',
    'inode',
    'created_at',
    'asked_at',
    'live',
  ],
  parts: ['target', 'recording_id', 'name', 'number', 'etag', 'sha256'],
  begun_uploads: ['target', 'upload_id', 'begun_at', 'key'],
  pruned_deliveries: ['recording_id', 'endpoint', 'webhook_id', 'content_hash', 'attempts', 'created_at', 'settled_at'],
  deliveries: [
    'webhook_id',
    'endpoint',
    'recording_id',
    'payload',
    'content_hash',
    'state',
    'held_reason',
    'attempts',
    'retries',
    'created_at',
    'next_at',
    'settled_at',
    'in_flight_until',
  ],
  attempts: ['number', 'trigger', 'at', 'duration', 'outcome', 'status', 'error', 'excerpt'],
  queue: [
    'dir',
    'recording_id',
    'origin',
    'asked',
    'state',
    'reason',
    'hint',
    'since',
    'asked_at',
    'updated_at',
    'next_at',
  ],
  endpoints: ['name', 'disabled_reason', 'disabled_at', 'refused_fingerprint', 'refused_salt', 'refused_at'],
  totals: ['name', 'labels', 'count', 'sum'],
  successes: ['name', 'at'],
  alert_causes: ['target', 'key', 'event', 'text', 'count', 'since'],
  alert_messages: ['target', 'event', 'body', 'attempts', 'created_at', 'next_at'],
} as const;

export type Table = keyof typeof COLUMNS;

/** `trigger, at, …`: the columns of a table for a SELECT. */
export function columnsOf(table: Table): string {
  return COLUMNS[table].join(', ');
}

/**
 * An INSERT of one row.
 * @param extra columns that only this database has, with their values
 */
export function insertInto(table: Table, row: Row, extra: Values = {}): { text: string; values: Values } {
  const names = [...COLUMNS[table], ...Object.keys(extra)];
  const values = { ...Object.fromEntries(COLUMNS[table].map(name => [name, row[name] ?? null])), ...extra };
  return {
    text: `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(name => `$${name}`).join(', ')})`,
    values,
  };
}
