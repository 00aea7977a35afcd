import type { Call } from './call.ts';
import type { Description } from './catalog.ts';
import { S3Error } from './errors.ts';

const KEPT_HEADERS = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
  'x-amz-storage-class',
];
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl */
const PUBLIC_ACLS = new Set(['public-read', 'public-read-write']);
const ACLS = new Set([
  ...PUBLIC_ACLS,
  ...['private', 'authenticated-read', 'aws-exec-read', 'bucket-owner-read', 'bucket-owner-full-control'],
]);
const META_PREFIX = 'x-amz-meta-';
const MAX_METADATA_BYTES = 2048;
const MAX_KEY_BYTES = 1024;
/** Headers that change what is stored or how; taken for their absence they would be promises broken. */
const UNSUPPORTED = /^x-amz-(copy-source|server-side-encryption-customer-|object-lock-|write-offset-bytes|website-)/;

/**
 * Reads what the request says of its object.
 * @throws S3Error for a key or metadata too long, and for headers this server does not act on
 */
export function describe(call: Call): Description {
  const headers: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  const metadata: Record<string, string> = {};
  let metadataBytes = 0;
  for (const [name, values = []] of Object.entries(call.exchange.req.headersDistinct)) {
    if (UNSUPPORTED.test(name)) {
      throw new S3Error(
        'NotImplemented',
        `A header you provided implies functionality that is not implemented: ${name}`,
        {
          details: { Header: name },
        },
      );
    }
    if (KEPT_HEADERS.includes(name)) headers[name] = values.join(', ');
    if (!name.startsWith(META_PREFIX)) continue;
    const value = values.join(',');
    metadata[name.slice(META_PREFIX.length)] = value;
    metadataBytes += name.length - META_PREFIX.length + value.length;
  }
  if (metadataBytes > MAX_METADATA_BYTES) {
    throw new S3Error('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size', {
      details: { Size: metadataBytes, MaxSizeAllowed: MAX_METADATA_BYTES },
    });
  }
  if (Buffer.byteLength(call.route.key) > MAX_KEY_BYTES) {
    throw new S3Error('KeyTooLongError', 'Your key is too long', { details: { MaxSizeAllowed: MAX_KEY_BYTES } });
  }
  // aws-chunked is how the body travelled, not what it is.
  const encodings = (headers['content-encoding'] ?? '').split(',').map(encoding => encoding.trim());
  const own = encodings.filter(encoding => encoding !== '' && encoding !== 'aws-chunked').join(', ');
  if (own) headers['content-encoding'] = own;
  else delete headers['content-encoding'];
  const [acl] = call.exchange.req.headersDistinct['x-amz-acl'] ?? [];
  if (acl !== undefined && !ACLS.has(acl)) throw new S3Error('InvalidArgument', 'Invalid canned ACL');
  return { headers, metadata, ...(PUBLIC_ACLS.has(acl ?? '') && { isPublic: true }) };
}

/** The headers that give a description back. */
export function descriptionHeaders({ headers, metadata }: Description): Record<string, string> {
  const meta = Object.entries(metadata).map(([name, value]) => [META_PREFIX + name, value] as const);
  return { ...headers, ...Object.fromEntries(meta) };
}
