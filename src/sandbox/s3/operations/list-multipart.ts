import { numberParameter, type Operation, parameter, xmlReply } from '../call.ts';
import type { OpenUpload } from '../catalog.ts';
import { checksumElement } from '../checksum.ts';
import { S3Error } from '../errors.ts';
import { xmlDocument } from '../xml.ts';
import { byUtf8, encoderFor } from './listing.ts';
import { MAX_PARTS } from './multipart.ts';

const PAGE = 1000;

export const listParts: Operation = async call => {
  const { bucket, key, uploadId = '' } = call.route;
  const upload = call.service.catalog.upload(bucket, key, uploadId);
  const maxParts = Math.min(PAGE, numberParameter(call, 'max-parts', { min: 0, max: 2 ** 31 - 1, default: PAGE }));
  const marker = numberParameter(call, 'part-number-marker', { min: 0, max: MAX_PARTS, default: 0 });
  const rest = [...upload.parts.values()]
    .filter(part => part.partNumber > marker)
    .sort((a, b) => a.partNumber - b.partNumber);
  const page = rest.slice(0, maxParts);
  const isTruncated = maxParts > 0 && rest.length > page.length;
  return xmlReply(
    xmlDocument('ListPartsResult', {
      Bucket: bucket,
      Key: key,
      UploadId: uploadId,
      StorageClass: 'STANDARD',
      PartNumberMarker: marker,
      NextPartNumberMarker: page.at(-1)?.partNumber ?? marker,
      MaxParts: maxParts,
      IsTruncated: isTruncated,
      Part: page.map(part => ({
        PartNumber: part.partNumber,
        LastModified: new Date(part.lastModifiedMs).toISOString(),
        ETag: call.service.habits.listsPartEtags ? `"${part.etag}"` : undefined,
        Size: part.segment.sizeBytes,
        ...(part.checksum ? checksumElement(part.checksum) : {}),
      })),
    }),
  );
};

export const listMultipartUploads: Operation = async call => {
  const { bucket } = call.route;
  call.service.catalog.objectsOf(bucket);
  if (parameter(call, 'delimiter')) throw new S3Error('NotImplemented', 'ListMultipartUploads takes no delimiter here');
  const prefix = parameter(call, 'prefix') ?? '';
  const keyMarker = parameter(call, 'key-marker') || undefined;
  // Without a key marker S3 ignores it.
  const idMarker = keyMarker && (parameter(call, 'upload-id-marker') || undefined);
  const maxUploads = numberParameter(call, 'max-uploads', { min: 1, max: PAGE, default: PAGE });
  const encode = encoderFor(call);

  const hasPrefix = ({ key }: OpenUpload) =>
    call.service.habits.listsUploadsByPrefix ? key.startsWith(prefix) : key === prefix;
  const isBehindMarker = ({ key, uploadId }: OpenUpload) => {
    if (keyMarker === undefined) return true;
    const order = byUtf8(key, keyMarker);
    return order > 0 || (order === 0 && idMarker !== undefined && uploadId > idMarker);
  };
  const rest = [...call.service.catalog.uploads.values()]
    .filter(upload => upload.bucket === bucket && hasPrefix(upload) && isBehindMarker(upload))
    .sort((a, b) => byUtf8(a.key, b.key) || (a.uploadId < b.uploadId ? -1 : 1));
  const page = rest.slice(0, maxUploads);
  const isTruncated = rest.length > page.length;
  const last = isTruncated ? page.at(-1) : undefined;
  return xmlReply(
    xmlDocument('ListMultipartUploadsResult', {
      Bucket: bucket,
      KeyMarker: encode(keyMarker ?? ''),
      UploadIdMarker: idMarker ?? '',
      NextKeyMarker: last && encode(last.key),
      NextUploadIdMarker: last?.uploadId,
      Prefix: encode(prefix),
      EncodingType: parameter(call, 'encoding-type'),
      MaxUploads: maxUploads,
      IsTruncated: isTruncated,
      Upload: page.map(({ key, uploadId, initiatedMs }) => ({
        Key: encode(key),
        UploadId: uploadId,
        StorageClass: 'STANDARD',
        Initiated: new Date(initiatedMs).toISOString(),
      })),
    }),
  );
};
