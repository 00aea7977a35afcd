import { S3Error } from './errors.ts';

export const S3_OPERATIONS = [
  'ListBuckets',
  'CreateBucket',
  'HeadBucket',
  'DeleteBucket',
  'GetBucketLocation',
  'ListObjectsV2',
  'ListMultipartUploads',
  'DeleteObjects',
  'PutObject',
  'GetObject',
  'HeadObject',
  'DeleteObject',
  'CreateMultipartUpload',
  'UploadPart',
  'ListParts',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
] as const;

export type S3Operation = (typeof S3_OPERATIONS)[number];

/** A request, read as S3 reads it. */
export interface Route {
  /** `Unknown` for what this server does not speak. */
  operation: S3Operation | 'Unknown';
  bucket: string;
  key: string;
  /** Decoded, in the order sent. */
  query: [name: string, value: string][];
  partNumber?: number | undefined;
  uploadId?: string | undefined;
}

/** Query parameters that would make an operation another one: taken for their absence, they would do harm. */
const UNSUPPORTED_QUERY = new Set([
  ...['accelerate', 'acl', 'analytics', 'attributes', 'cors', 'encryption', 'intelligent-tiering', 'inventory'],
  ...['legal-hold', 'lifecycle', 'logging', 'metrics', 'notification', 'object-lock', 'ownershipControls'],
  ...['policy', 'policyStatus', 'publicAccessBlock', 'replication', 'requestPayment', 'restore', 'retention'],
  ...['select', 'tagging', 'torrent', 'versionId', 'versioning', 'versions', 'website'],
]);

type Choice = [method: string, marks: string[], operation: S3Operation];
/** The first row whose method is right and whose marks are all in the query. */
const BUCKET_ROUTES: Choice[] = [
  ['GET', ['uploads'], 'ListMultipartUploads'],
  ['GET', ['location'], 'GetBucketLocation'],
  ['GET', ['list-type'], 'ListObjectsV2'],
  ['POST', ['delete'], 'DeleteObjects'],
  ['PUT', [], 'CreateBucket'],
  ['HEAD', [], 'HeadBucket'],
  ['DELETE', [], 'DeleteBucket'],
];
const OBJECT_ROUTES: Choice[] = [
  ['PUT', ['partNumber', 'uploadId'], 'UploadPart'],
  ['PUT', [], 'PutObject'],
  ['GET', ['uploadId'], 'ListParts'],
  ['GET', [], 'GetObject'],
  ['HEAD', [], 'HeadObject'],
  ['DELETE', ['uploadId'], 'AbortMultipartUpload'],
  ['DELETE', [], 'DeleteObject'],
  ['POST', ['uploads'], 'CreateMultipartUpload'],
  ['POST', ['uploadId'], 'CompleteMultipartUpload'],
];

/**
 * Reads method, path (as sent: dots in keys are no directories) and query, path style.
 * @throws S3Error `InvalidURI` where the percent-encoding is none
 */
export function routeOf(method: string, rawPath: string, rawQuery: string): Route {
  const [bucket = '', ...rest] = rawPath.replace(/^\//, '').split('/');
  const query = parseQuery(rawQuery);
  const names = new Set(query.map(([name]) => name));
  const value = (name: string) => query.find(([other]) => other === name)?.[1];
  const route = {
    bucket: decode(bucket),
    key: decode(rest.join('/')),
    query,
    uploadId: value('uploadId'),
    partNumber: names.has('partNumber') ? Number(value('partNumber')) : undefined,
  };
  const find = (choices: Choice[]) =>
    choices.find(([verb, marks]) => verb === method && marks.every(mark => names.has(mark)))?.[2];
  const unsupported = [...names].some(name => UNSUPPORTED_QUERY.has(name));
  const partOfObject = names.has('partNumber') && method !== 'PUT';
  if (unsupported || partOfObject) return { operation: 'Unknown', ...route };
  if (!route.bucket) return { operation: method === 'GET' ? 'ListBuckets' : 'Unknown', ...route };
  return { operation: find(route.key ? OBJECT_ROUTES : BUCKET_ROUTES) ?? 'Unknown', ...route };
}

function parseQuery(rawQuery: string): [string, string][] {
  if (!rawQuery) return [];
  return rawQuery.split('&').map(pair => {
    const equals = pair.indexOf('=');
    const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return [decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))];
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidURI', "Couldn't parse the specified URI.");
  }
}
