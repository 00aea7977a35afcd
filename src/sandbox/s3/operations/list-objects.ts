import { numberParameter, type Operation, parameter, xmlReply } from '../call.ts';
import type { StoredObject } from '../catalog.ts';
import { S3Error } from '../errors.ts';
import { xmlDocument } from '../xml.ts';
import { byUtf8, encoderFor } from './listing.ts';

export const listObjectsV2: Operation = async call => {
  const { bucket } = call.route;
  const prefix = parameter(call, 'prefix') ?? '';
  const delimiter = parameter(call, 'delimiter') || undefined;
  const maxKeys = Math.min(1000, numberParameter(call, 'max-keys', { min: 0, max: 2 ** 31 - 1, default: 1000 }));
  const token = parameter(call, 'continuation-token');
  const startAfter = parameter(call, 'start-after');
  const encode = encoderFor(call);

  const objects = [...call.service.catalog.objectsOf(bucket).values()].filter(({ key }) => key.startsWith(prefix));
  objects.sort((a, b) => byUtf8(a.key, b.key));
  const after = token === undefined ? startAfter : decodeToken(token);
  const entries = groupByDelimiter(objects, prefix, delimiter).filter(
    ({ name }) => after === undefined || byUtf8(name, after) > 0,
  );
  const page = entries.slice(0, maxKeys);
  const isTruncated = maxKeys > 0 && entries.length > page.length;

  return xmlReply(
    xmlDocument('ListBucketResult', {
      Name: bucket,
      Prefix: encode(prefix),
      Delimiter: delimiter && encode(delimiter),
      MaxKeys: maxKeys,
      EncodingType: parameter(call, 'encoding-type'),
      KeyCount: page.length,
      IsTruncated: isTruncated,
      ContinuationToken: token,
      NextContinuationToken: isTruncated ? encodeToken(page.at(-1)?.name ?? '') : undefined,
      StartAfter: startAfter && encode(startAfter),
      Contents: page.flatMap(({ object }) =>
        object
          ? {
              Key: encode(object.key),
              LastModified: new Date(object.lastModifiedMs).toISOString(),
              ETag: `"${object.etag}"`,
              Size: object.sizeBytes,
              StorageClass: 'STANDARD',
            }
          : [],
      ),
      CommonPrefixes: page.flatMap(({ name, object }) => (object ? [] : { Prefix: encode(name) })),
    }),
  );
};

/** Sorted objects, those with the delimiter behind the prefix rolled up into one entry without an object. */
function groupByDelimiter(objects: StoredObject[], prefix: string, delimiter: string | undefined) {
  const entries: { name: string; object?: StoredObject }[] = [];
  for (const object of objects) {
    const at = delimiter === undefined ? -1 : object.key.indexOf(delimiter, prefix.length);
    if (delimiter === undefined || at < 0) entries.push({ name: object.key, object });
    else {
      const name = object.key.slice(0, at + delimiter.length);
      if (entries.at(-1)?.name !== name) entries.push({ name });
    }
  }
  return entries;
}

const encodeToken = (name: string) => Buffer.from(name).toString('base64url');

function decodeToken(token: string): string {
  const name = Buffer.from(token, 'base64url').toString('utf8');
  if (token !== '' && encodeToken(name) === token) return name;
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect');
}
