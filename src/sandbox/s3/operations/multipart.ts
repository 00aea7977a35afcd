import { createHash, randomUUID } from 'node:crypto';
import { type Call, type Operation, readDocument, storeBody, xmlReply } from '../call.ts';
import type { OpenUpload, StoredPart } from '../catalog.ts';
import { checksumElement, checksumHeader } from '../checksum.ts';
import { checkWriteConditions } from '../conditions.ts';
import { describe } from '../description.ts';
import { S3Error } from '../errors.ts';
import { elementsOf, rootOf, textOf, xmlDocument } from '../xml.ts';

/** S3's limit; part numbers are 1 to this. */
export const MAX_PARTS = 10_000;

export const createMultipartUpload: Operation = async call => {
  const { bucket, key } = call.route;
  call.service.catalog.objectsOf(bucket);
  const upload = await call.service.catalog.createUpload({
    bucket,
    key,
    ...describe(call),
    initiatedMs: call.nowMs,
  });
  return xmlReply(
    xmlDocument('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.uploadId }),
  );
};

export const uploadPart: Operation = async call => {
  const { service, route } = call;
  const { uploadId = '', partNumber = 0 } = route;
  describe(call); // for the headers that it refuses
  if (!(Number.isInteger(partNumber) && partNumber >= 1 && partNumber <= MAX_PARTS)) {
    throw new S3Error('InvalidArgument', `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`);
  }
  const upload = service.catalog.upload(route.bucket, route.key, uploadId);
  const { payload, segment } = await storeBody(call);
  const { etag, checksum } = payload;
  try {
    await service.catalog.putPart(upload, {
      uploadId,
      partNumber,
      etag,
      checksum,
      segment,
      lastModifiedMs: call.nowMs,
    });
  } catch (error) {
    await service.blobs.remove([segment]);
    throw error;
  }
  const checksums = checksum ? { [checksumHeader(checksum.algorithm)]: checksum.value } : {};
  return { status: 200, headers: { ETag: `"${etag}"`, ...checksums } };
};

export const completeMultipartUpload: Operation = async call => {
  const { service, route, nowMs } = call;
  const { bucket, key, uploadId = '' } = route;
  service.catalog.upload(bucket, key, uploadId);
  const listed = elementsOf(rootOf(await readDocument(call), 'CompleteMultipartUpload'), 'Part');
  const upload = service.catalog.upload(bucket, key, uploadId);
  const parts = checkParts(call, upload, listed);
  const etag = await etagOf(call, parts);
  const { headers, metadata, isPublic } = upload;
  const segments = parts.map(part => part.segment);
  const sizeBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  const object = {
    bucket,
    key,
    headers,
    metadata,
    isPublic,
    sizeBytes,
    etag,
    segments,
    uploadId,
    lastModifiedMs: nowMs,
  };
  await service.catalog.completeUpload(upload, object, current => checkWriteConditions(call, current));

  const path = [bucket, ...key.split('/')].map(encodeURIComponent).join('/');
  return xmlReply(
    xmlDocument('CompleteMultipartUploadResult', {
      Location: `${service.url()}/${path}`,
      Bucket: bucket,
      Key: key,
      ETag: `"${etag}"`,
    }),
  );
};

/** The object's ETag, as this kind of server makes it. */
async function etagOf({ service: { habits, blobs } }: Call, parts: StoredPart[]): Promise<string> {
  if (habits.multipartEtag === 'opaque') return randomUUID();
  if (habits.multipartEtag === 'parts') return multipartEtag(parts);
  const hash = createHash('md5');
  for (const { segment } of parts) {
    for await (const chunk of blobs.read(segment, 0, segment.sizeBytes)) hash.update(chunk);
  }
  return hash.digest('hex');
}

export const abortMultipartUpload: Operation = async ({ service, route }) => {
  await service.catalog.abortUpload(service.catalog.upload(route.bucket, route.key, route.uploadId ?? ''));
  return { status: 204 };
};

/** The stored parts that the client's list names, in its order, which must be that of their numbers. */
function checkParts(call: Call, upload: OpenUpload, listed: string[]): StoredPart[] {
  if (listed.length === 0) throw new S3Error('MalformedXML', 'You must specify at least one part');
  let last = 0;
  const parts = listed.map(xml => {
    const partNumber = Number(textOf(xml, 'PartNumber'));
    const etag = textOf(xml, 'ETag')?.replaceAll('"', '');
    if (!Number.isInteger(partNumber) || etag === undefined) {
      throw new S3Error('MalformedXML', 'Each part needs a PartNumber and an ETag');
    }
    if (partNumber <= last) {
      throw new S3Error('InvalidPartOrder', 'The list of parts was not in ascending order.');
    }
    last = partNumber;
    const part = upload.parts.get(partNumber);
    if (part?.etag === etag && checksumsAgree(xml, part)) return part;
    throw new S3Error(
      'InvalidPart',
      "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      { details: { PartNumber: partNumber, ETag: etag, UploadId: upload.uploadId } },
    );
  });
  const tooSmall = parts.slice(0, -1).find(({ segment }) => segment.sizeBytes < call.service.minPartSizeBytes);
  if (!tooSmall) return parts;
  throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
    details: {
      ProposedSize: tooSmall.segment.sizeBytes,
      MinSizeAllowed: call.service.minPartSizeBytes,
      PartNumber: tooSmall.partNumber,
      ETag: tooSmall.etag,
    },
  });
}

function checksumsAgree(xml: string, { checksum }: StoredPart): boolean {
  if (!checksum) return true;
  return Object.entries(checksumElement(checksum)).every(([name, value]) => (textOf(xml, name) ?? value) === value);
}

/** MD5 of the parts' binary MD5s, then the number of parts. */
function multipartEtag(parts: StoredPart[]): string {
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(Buffer.from(etag, 'hex'));
  return `${hash.digest('hex')}-${parts.length}`;
}
