import { AppError } from '../errors.ts';
import type { RecordingId } from './recording.ts';

/** S3 allows keys of 1,024 bytes. */
const MAX_KEY_BYTES = 1024;
/** IDrive E2 (MinIO on a file system) allows names of 254 bytes. */
const MAX_NAME_BYTES = 254;
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * The key of a recording's file in the bucket: `<id>/<name>`.
 * @throws AppError `RECORDING` if the name cannot be part of a key: control characters, not UTF-8, too long
 */
export function objectKey(id: RecordingId, name: string): string {
  const hint = 'rename the file';
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
  if (CONTROL_CHARACTER.test(name)) {
    throw new AppError('RECORDING', `the file name ${shown} contains control characters`, { hint });
  }
  if (!name.isWellFormed()) {
    throw new AppError('RECORDING', `the file name ${shown} is not UTF-8`, { hint });
  }
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new AppError('RECORDING', `the file name ${shown} is longer than ${MAX_NAME_BYTES} bytes`, { hint });
  }
  const key = `${id}/${name}`;
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new AppError('RECORDING', `the object key of ${shown} is longer than ${MAX_KEY_BYTES} bytes`, { hint });
  }
  return key;
}

/** The path-style URL of an object: `<base>/<bucket>/<key>`, each segment percent-encoded (RFC 3986). */
export function publicUrl(base: string, bucket: string, key: string): string {
  const path = [bucket, ...key.split('/')].map(encodeSegment).join('/');
  return `${base.replace(/\/+$/, '')}/${path}`;
}

/** `encodeURIComponent` leaves `!'()*` as they are; RFC 3986 reserves them, and S3 signatures encode them. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
