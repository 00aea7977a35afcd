import { closeSync, fstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
// The mini build of zod, as for the configuration.
import * as z from 'zod/mini';
import { parseEmail } from '../email.ts';
import { decodeText, SAVE_AS_UTF8 } from '../file-text.ts';
import { findJsonFlaw } from '../json-flaw.ts';
import { isDuration } from './duration.ts';
import { problem, replaced, systemProblem } from './folder-problem.ts';
import { FileReplaced, type FoundFile, openFound } from './open-file.ts';
import { type Microseconds, parseTimestamp, TIMESTAMP_HINT } from './timestamps.ts';

const MAX_BYTES = 1024 * 1024;

/** The recorder's notes. Empty texts and nulls count as missing. */
export interface Sidecar {
  /** As the sidecar has it; not yet checked. */
  recordingId?: string | undefined;
  title?: string | undefined;
  createdAt?: Microseconds | undefined;
  /** Whole seconds. */
  durationSeconds?: number | undefined;
  /** Whole seconds. */
  durationDatabaseSeconds?: number | undefined;
  username?: string | undefined;
  email?: string | undefined;
}

/** Text in one line, because control characters mean nothing in a title and break logs; undefined if nothing is left. */
export function oneLine(text: string | null | undefined): string | undefined {
  const line = (text ?? '')
    .toWellFormed()
    // macOS writes é as two characters, e and an accent.
    .normalize('NFC')
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim();
  return line === '' ? undefined : line;
}

const text = z.pipe(z.nullish(z.string({ error: 'expected text' })), z.transform(oneLine));
const email = z.pipe(
  text,
  z.transform((value, context) => {
    const address = value === undefined ? undefined : parseEmail(value);
    if (value === undefined || address !== undefined) return address;
    context.issues.push({ code: 'custom', message: 'expected an e-mail address', input: value });
    return z.NEVER;
  }),
);
const seconds = z.pipe(
  z.nullish(
    z
      .number({ error: 'expected a number of seconds' })
      .check(z.refine(isDuration, { error: 'expected a number of seconds, 0 or more' })),
  ),
  // Recorders write 77.4; the contract has whole seconds.
  z.transform(value => (value == null ? undefined : Math.round(value))),
);
const createdAt = z.pipe(
  text,
  z.transform((value, context) => {
    const instant = value === undefined ? undefined : parseTimestamp(value);
    if (value === undefined || instant !== undefined) return instant;
    const message = `expected a date and time; ${TIMESTAMP_HINT}`;
    context.issues.push({ code: 'custom', message, input: value });
    return z.NEVER;
  }),
);
const id = z.union([z.number(), z.string()], { error: 'expected a whole number or text' }).check(
  z.refine(value => typeof value === 'string' || Number.isInteger(value), {
    error: 'expected a whole number or text',
    abort: true,
  }),
  z.refine(value => typeof value === 'string' || value >= 0, { error: 'expected 0 or more, or text' }),
);

/** All other keys are dropped: recorders put upload tokens there. */
const SCHEMA = z.object(
  {
    recording_id: z.nullish(id),
    title: text,
    created_at: createdAt,
    duration_seconds: seconds,
    duration_database: seconds,
    user_info: z.nullish(z.object({ username: text, email }, { error: 'expected an object' })),
  },
  { error: 'expected a JSON object' },
);

/**
 * Reads a recording's sidecar.
 * @param dir the recording's folder, and `name` the sidecar's in it, for messages
 * @param file the file to read
 * @throws AppError `RECORDING`; it never contains text of the sidecar
 */
export function readSidecar(dir: string, name: string, file: FoundFile): Sidecar {
  const where = join(dir, name);
  const bytes = readLimited(where, file);
  const parsed = SCHEMA.safeParse(parseJson(where, bytes));
  if (!parsed.success) {
    const issues = parsed.error.issues.map(issue => [...issue.path.map(String), issue.message].join(': '));
    throw problem(`${where}:`, issues.join('; '), { hint: 'fix the field, or delete it' });
  }
  const { recording_id, title, created_at, duration_seconds, duration_database, user_info } = parsed.data;
  return {
    recordingId: recording_id == null ? undefined : String(recording_id),
    title,
    createdAt: created_at,
    durationSeconds: duration_seconds,
    durationDatabaseSeconds: duration_database,
    username: user_info?.username,
    email: user_info?.email,
  };
}

/** Reads at most one byte more than allowed, because the file may have grown since its size was checked. */
function readLimited(where: string, file: FoundFile): Buffer {
  try {
    const fd = openFound(file);
    try {
      const buffer = Buffer.allocUnsafe(Math.min(fstatSync(fd).size, MAX_BYTES) + 1);
      const bytesRead = readSync(fd, buffer, 0, buffer.length, 0);
      if (bytesRead > MAX_BYTES) {
        throw problem(where, 'is larger than 1 MiB', { hint: 'a sidecar contains only the recording’s details' });
      }
      return buffer.subarray(0, bytesRead);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof FileReplaced) throw replaced(where, error);
    throw systemProblem(where, error);
  }
}

function parseJson(where: string, bytes: Buffer): unknown {
  const text = decodeText(bytes);
  // Other encodings would become a title with question marks.
  if (!text.ok) throw problem(where, text.flaw, { hint: SAVE_AS_UTF8 });
  const json = text.text;
  if (json.trim() === '') throw problem(where, 'is empty', { hint: 'write {} in it, or delete it' });
  try {
    return withExactId(JSON.parse(json), json);
  } catch {
    // No cause: the engine's message quotes the text, which may contain a token.
    throw problem(where, `is not JSON: ${findJsonFlaw(json) ?? 'line 1'}`, {
      hint: 'fix it there, or delete the file',
    });
  }
}

/** The data with an ID beyond 2^53 as it is written: as a JavaScript number it would be another one. */
function withExactId(data: unknown, json: string): unknown {
  const id = typeof data === 'object' && data !== null && 'recording_id' in data ? data.recording_id : undefined;
  if (typeof id !== 'number' || Number.isSafeInteger(id)) return data;
  return JSON.parse(json, (key, value: unknown, context?: { source?: string }) => {
    const written = context?.source;
    return key === 'recording_id' && written !== undefined && /^\d+$/.test(written) ? written : value;
  });
}
