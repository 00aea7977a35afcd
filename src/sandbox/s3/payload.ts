import { randomBytes } from 'node:crypto';
import type { Exchange } from '../http/exchange.ts';
import { AwsChunkedDecoder } from './aws-chunked.ts';
import type { BlobWriter } from './blobs.ts';
import {
  announcedChecksum,
  type Checksum,
  checksumDigest,
  checksumHeader,
  type Digest,
  hashDigest,
} from './checksum.ts';
import { S3Error } from './errors.ts';
import type { Signature } from './sigv4.ts';

/** A body that came in whole and is what its headers say. */
export interface Payload {
  sizeBytes: number;
  /** 32 hexadecimal digits: the MD5, or (opaque ETags, bodies not verified) digits that only look so. */
  etag: string;
  checksum?: Checksum | undefined;
}

export interface PayloadRules {
  etags: 'md5' | 'opaque';
  /** False: nothing is hashed, for speed. */
  verify: boolean;
  /** As a bucket with Object Lock: only bodies with Content-MD5 or a checksum. */
  needsChecksum: boolean;
  maxBytes: number;
}

/** What is expected of the body, from the headers; each entry checks one promise. */
interface Promised {
  digest: Digest;
  check(actual: Buffer, trailers: Map<string, string>): void;
}

const HEX_SHA256 = /^[0-9a-f]{64}$/;

/**
 * Streams the body into `writer`, decoding aws-chunked and checking length, Content-MD5, x-amz-content-sha256 and
 * checksums on the way.
 * @throws S3Error, BodyBrokenOff; the caller discards what was written
 */
export async function receivePayload(
  exchange: Exchange,
  writer: Pick<BlobWriter, 'write'>,
  signature: Signature,
  rules: PayloadRules,
): Promise<Payload> {
  const headers = exchange.req.headersDistinct;
  const contentSha256 = headers['x-amz-content-sha256']?.[0] ?? 'UNSIGNED-PAYLOAD';
  const decoder = decoderFor(contentSha256, signature);
  const expectedBytes = promisedLength(headers, decoder !== undefined);
  if (expectedBytes > rules.maxBytes) {
    throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
      details: { ProposedSize: expectedBytes, MaxSizeAllowed: rules.maxBytes },
    });
  }

  const hasChecksum = Object.keys(headers).some(name => /^(?:content-md5|x-amz-checksum-.*)$/.test(name));
  if (rules.needsChecksum && !hasChecksum) {
    const message =
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters';
    throw new S3Error('InvalidRequest', message);
  }

  const promises = rules.verify ? promisesOf(headers, contentSha256) : [];
  const wantsMd5 = rules.verify && rules.etags === 'md5';
  const md5 = wantsMd5 ? hashDigest('md5') : undefined;
  const digests = [...promises.map(promise => promise.digest), ...(md5 ? [md5] : [])];
  let sizeBytes = 0;
  const take = (bytes: Buffer): void | Promise<void> => {
    sizeBytes += bytes.length;
    if (sizeBytes > expectedBytes) throw new S3Error('IncompleteBody', 'The body is longer than its headers say.');
    for (const digest of digests) digest.update(bytes);
    return writer.write(bytes);
  };

  if (decoder) await exchange.read(bytes => takeAll(decoder.decode(bytes), take));
  else await exchange.read(take);

  if (sizeBytes !== expectedBytes || (decoder && !decoder.done)) {
    throw new S3Error('IncompleteBody', 'You did not provide the number of bytes specified by the headers.');
  }
  const trailers = decoder?.trailers ?? new Map<string, string>();
  let checksum: Checksum | undefined;
  const algorithm = rules.verify ? announcedChecksum(headers) : undefined;
  for (const promise of promises) {
    const actual = promise.digest.digest();
    promise.check(actual, trailers);
    if (algorithm && promise === promises.at(-1)) checksum = { algorithm, value: actual.toString('base64') };
  }
  return { sizeBytes, etag: (md5?.digest() ?? randomBytes(16)).toString('hex'), checksum };
}

/** Hands on every piece; returns a promise only where one has to be waited for. */
function takeAll(pieces: Iterator<Buffer>, take: (bytes: Buffer) => void | Promise<void>): void | Promise<void> {
  for (let piece = pieces.next(); !piece.done; piece = pieces.next()) {
    const wait = take(piece.value);
    if (wait) return wait.then(() => takeAll(pieces, take));
  }
}

function decoderFor(contentSha256: string, signature: Signature): AwsChunkedDecoder | undefined {
  if (!contentSha256.startsWith('STREAMING-')) return undefined;
  switch (contentSha256) {
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return new AwsChunkedDecoder();
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return new AwsChunkedDecoder(signature);
    default:
      throw new S3Error('NotImplemented', `This server cannot read a body of the kind ${contentSha256}.`);
  }
}

function promisedLength(headers: NodeJS.Dict<string[]>, awsChunked: boolean): number {
  const text = headers[awsChunked ? 'x-amz-decoded-content-length' : 'content-length']?.[0];
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  throw new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.');
}

function promisesOf(headers: NodeJS.Dict<string[]>, contentSha256: string): Promised[] {
  const promises: Promised[] = [];
  const contentMd5 = headers['content-md5']?.[0];
  if (contentMd5 !== undefined) {
    const expected = Buffer.from(contentMd5, 'base64');
    if (expected.length !== 16) throw new S3Error('InvalidDigest', 'The Content-MD5 you specified is not valid.');
    promises.push({
      digest: hashDigest('md5'),
      check(actual) {
        if (actual.equals(expected)) return;
        throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
      },
    });
  }
  if (HEX_SHA256.test(contentSha256)) {
    promises.push({
      digest: hashDigest('sha256'),
      check(actual) {
        if (actual.toString('hex') === contentSha256) return;
        throw new S3Error(
          'XAmzContentSHA256Mismatch',
          "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
      },
    });
  } else if (contentSha256 !== 'UNSIGNED-PAYLOAD' && !contentSha256.startsWith('STREAMING-')) {
    throw new S3Error('InvalidArgument', 'x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value.');
  }
  const algorithm = announcedChecksum(headers);
  if (algorithm !== undefined) {
    const header = checksumHeader(algorithm);
    // Last: what it computes is kept with the object.
    promises.push({
      digest: checksumDigest(algorithm),
      check(actual, trailers) {
        const claimed = headers[header]?.[0] ?? trailers.get(header);
        if (claimed === undefined)
          throw new S3Error('InvalidRequest', `The trailer ${header} was announced and is missing.`);
        if (claimed === actual.toString('base64')) return;
        throw new S3Error('BadDigest', `The ${algorithm.toUpperCase()} you specified did not match what we received.`);
      },
    });
  }
  return promises;
}
