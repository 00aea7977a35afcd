import { objectKey, publicUrl } from '../recording/object-key.ts';
import type { RecordingId } from '../recording/recording.ts';
import type { Payload } from './payload.ts';

/** A value of a payload that is another one now. */
export interface PayloadChange {
  /** `user_info.email` */
  key: string;
  /** Undefined: it was missing. */
  before: string | number | undefined;
  after: string | number | undefined;
}

/** What the configuration says now of a recording that was uploaded earlier. */
export interface RemadeFacts {
  user: Payload['user_info'];
  /** Undefined: the recording is not where the configuration points, so its links stay. */
  place: { publicBaseUrl: string; region: string } | undefined;
  /** Undefined: nothing is configured, so the payload's own stays. */
  uploadSource: string | undefined;
}

/** The payload with what is configured now; what was uploaded, and when, stays. */
export function remakePayload(id: RecordingId, before: Payload, { user, place, uploadSource }: RemadeFacts): Payload {
  return {
    ...before, // first, so that the fields keep their order
    user_info: user,
    ...(place && {
      uploaded_files: linksAt(id, before, place.publicBaseUrl),
      region: place.region,
    }),
    ...(uploadSource !== undefined && { upload_source: uploadSource }),
  };
}

/** The payload's links below another base. One that is no link of this recording stays. */
function linksAt(id: RecordingId, { uploaded_files, bucket_name }: Payload, base: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(uploaded_files).map(([role, url]) => {
      const name = fileOf(url);
      return [role, name === undefined ? url : publicUrl(base, bucket_name, objectKey(id, name))];
    }),
  );
}

/** The name of the file that a link opens. */
function fileOf(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '') || undefined;
  } catch {
    return undefined;
  }
}

/** What is another value in the second payload, key by key. */
export function changesBetween(before: Payload, after: Payload): PayloadChange[] {
  const [old, now] = [new Map(leavesOf(before)), new Map(leavesOf(after))];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap(key =>
    old.get(key) === now.get(key) ? [] : [{ key, before: old.get(key), after: now.get(key) }],
  );
}

function leavesOf(value: object, prefix = ''): [string, string | number | undefined][] {
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) =>
    typeof part === 'object' && part !== null
      ? leavesOf(part, `${prefix}${key}.`)
      : [[`${prefix}${key}`, part as string | number | undefined]],
  );
}
