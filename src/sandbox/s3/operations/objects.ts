import { randomUUID } from 'node:crypto';
import type { Blobs, Segment } from '../blobs.ts';
import { type Call, header, type Operation, readDocument, storeBody, xmlReply } from '../call.ts';
import type { StoredObject } from '../catalog.ts';
import { checksumHeader } from '../checksum.ts';
import { checkWriteConditions, isNotModified } from '../conditions.ts';
import { describe, descriptionHeaders } from '../description.ts';
import { S3Error } from '../errors.ts';
import { parseRange } from '../range.ts';
import { elementsOf, rootOf, textOf, xmlDocument } from '../xml.ts';

export const putObject: Operation = async call => {
  const { service, route } = call;
  const { bucket, key } = route;
  const description = describe(call);
  // Now, so that a body sent in vain is refused at once; and again when it is stored, for another may have been faster.
  checkWriteConditions(call, service.catalog.objectsOf(bucket).get(key));
  const { payload, segment } = await storeBody(call);
  const { etag, sizeBytes, checksum } = payload;
  const segments = [segment];
  const object = { bucket, key, ...description, etag, sizeBytes, checksum, segments, lastModifiedMs: call.nowMs };
  try {
    await service.catalog.putObject(object, current => checkWriteConditions(call, current));
  } catch (error) {
    await service.blobs.remove(segments);
    throw error;
  }
  const checksums = checksum ? { [checksumHeader(checksum.algorithm)]: checksum.value } : {};
  const version: Record<string, string> = service.habits.namesVersions ? { 'x-amz-version-id': randomUUID() } : {};
  return { status: 200, headers: { ETag: `"${etag}"`, ...version, ...checksums } };
};

export const getObject: Operation = async call => {
  const object = call.service.catalog.object(call.route.bucket, call.route.key);
  const headers = headersOf(call, object);
  if (isNotModified(call, object)) return { status: 304, headers };
  const range = parseRange(header(call, 'range'), object.sizeBytes);
  const { start, end } = range ?? { start: 0, end: object.sizeBytes };
  const chunks = readSegments(call.service.blobs, object.segments, start, end);
  const body = { sizeBytes: end - start, chunks };
  if (!range) return { status: 200, headers, body };
  const contentRange = `bytes ${start}-${end - 1}/${object.sizeBytes}`;
  return { status: 206, headers: { ...headers, 'Content-Range': contentRange }, body };
};

export const headObject: Operation = async call => {
  const object = call.service.catalog.object(call.route.bucket, call.route.key);
  const headers = headersOf(call, object);
  if (isNotModified(call, object)) return { status: 304, headers };
  return { status: 200, headers: { ...headers, 'Content-Length': object.sizeBytes } };
};

export const deleteObject: Operation = async ({ service, route }) => {
  await service.catalog.deleteObject(route.bucket, route.key);
  return { status: 204 };
};

export const deleteObjects: Operation = async call => {
  const { catalog } = call.service;
  const { bucket } = call.route;
  catalog.objectsOf(bucket);
  const root = rootOf(await readDocument(call), 'Delete');
  const keys = elementsOf(root, 'Object').map(object => textOf(object, 'Key'));
  if (keys.length === 0 || keys.length > 1000 || keys.includes(undefined)) {
    throw new S3Error('MalformedXML', 'The XML you provided must name 1 to 1000 objects.');
  }
  for (const key of keys) await catalog.deleteObject(bucket, key ?? '');
  const deleted = textOf(root, 'Quiet') === 'true' ? [] : keys.map(Key => ({ Key }));
  return xmlReply(xmlDocument('DeleteResult', { Deleted: deleted }));
};

/** An object's bytes over its segments, `end` excluded. */
export async function* readSegments(
  blobs: Blobs,
  segments: Segment[],
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  let at = 0;
  for (const segment of segments) {
    const from = Math.max(0, start - at);
    const to = Math.min(segment.sizeBytes, end - at);
    if (from < to) yield* blobs.read(segment, from, to);
    at += segment.sizeBytes;
  }
}

function headersOf(call: Call, object: StoredObject): Record<string, string> {
  const { checksum } = object;
  const wanted = header(call, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' && !header(call, 'range');
  return {
    ...descriptionHeaders(object),
    ETag: `"${object.etag}"`,
    'Last-Modified': new Date(object.lastModifiedMs).toUTCString(),
    'Accept-Ranges': 'bytes',
    ...(wanted && checksum ? { [checksumHeader(checksum.algorithm)]: checksum.value } : {}),
  };
}
