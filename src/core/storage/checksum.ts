import { createHash } from 'node:crypto';
import { MAX_PARTS } from './part-plan.ts';

/**
 * A file's checksum as S3 writes it: the base64 SHA-256 of an object put whole, or, for one made of parts, the base64
 * SHA-256 of the parts' SHA-256 digests with `-<parts>` behind it ("composite").
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export function compositeChecksum(partDigests: readonly Buffer[]): string {
  return `${sha256(partDigests).toString('base64')}-${partDigests.length}`;
}

/** The ETag that S3 gives a multipart object where its parts' ETags are MD5s: md5 of md5s, `-<parts>`. */
export function compositeEtag(partEtags: readonly string[]): string | undefined {
  if (!partEtags.every(isMd5)) return undefined;
  const digests = partEtags.map(etag => Buffer.from(etag, 'hex'));
  return `${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-${partEtags.length}`;
}

/** True where an ETag has the form of an MD5; encrypting stores have ETags of that form that are none. */
export function isMd5(etag: string): boolean {
  return /^[0-9a-f]{32}$/.test(etag);
}

/** True for an ETag of the form that S3 gives an object made of parts. */
export function isComposite(etag: string): boolean {
  return /^[0-9a-f]{32}-\d+$/.test(etag);
}

/** An ETag without the quotes that HTTP puts around it, and the `W/` that proxies put before it. */
export function bareEtag(etag: string | undefined): string {
  return (etag ?? '').replace(/^(?:W\/)?"|"$/g, '');
}

function sha256(chunks: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest();
}

/** Makes an object's checksum from its bytes as they come, in parts of the size that it was uploaded with. */
export class PartHasher {
  readonly #partSizeBytes: number;
  #part = createHash('sha256');
  #partBytes = 0;
  readonly #digests: Buffer[] = [];
  sizeBytes = 0;

  constructor(partSizeBytes: number) {
    this.#partSizeBytes = partSizeBytes;
  }

  update(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      const bytes = rest.subarray(0, this.#partSizeBytes - this.#partBytes);
      this.#part.update(bytes);
      this.#partBytes += bytes.length;
      this.sizeBytes += bytes.length;
      rest = rest.subarray(bytes.length);
      if (this.#partBytes === this.#partSizeBytes) this.#endPart();
    }
  }

  finish({ composite }: { composite: boolean }): string {
    if (this.#partBytes > 0 || this.#digests.length === 0) this.#endPart();
    return composite ? compositeChecksum(this.#digests) : (this.#digests[0] as Buffer).toString('base64');
  }

  #endPart(): void {
    this.#digests.push(this.#part.digest());
    this.#part = createHash('sha256');
    this.#partBytes = 0;
  }
}

/** What is kept of each file beside `metadata.json`, for `verify` from any machine. */
export interface FileChecksum {
  sizeBytes: number;
  partSizeBytes: number;
  checksum: string;
  /** Of the object that this is the checksum of; another ETag in the bucket means another object. */
  etag: string;
}

/** S3 allows 2 KB of user metadata in all; this leaves room for the token and the keys. */
const MAX_HEADER_LENGTH = 1_700;

/**
 * Writes the files' checksums as one metadata header of `metadata.json`: `<name>=<size>:<part size>:<checksum>:<etag>`, names
 * percent-encoded, separated by spaces. Files that do not fit any more are left out, the last named first.
 */
export function encodeChecksums(files: ReadonlyMap<string, FileChecksum>): string {
  let header = '';
  for (const [name, { sizeBytes, partSizeBytes, checksum, etag }] of files) {
    const entry = `${encodeURIComponent(name)}=${sizeBytes}:${partSizeBytes}:${checksum}:${etag}`;
    if (header.length + entry.length + 1 > MAX_HEADER_LENGTH) break;
    header += header ? ` ${entry}` : entry;
  }
  return header;
}

function isUriComponent(text: string): boolean {
  try {
    return decodeURIComponent(text) !== '';
  } catch {
    return false;
  }
}

/** Reads what `encodeChecksums` wrote; entries that it cannot have written are left out. */
export function decodeChecksums(header: string | undefined): Map<string, FileChecksum> {
  const files = new Map<string, FileChecksum>();
  for (const entry of (header ?? '').split(' ')) {
    const match = /^([^=]+)=(\d+):(\d+):([A-Za-z0-9+/=]+(?:-\d+)?):(\S*)$/.exec(entry);
    if (!match) continue;
    const [, name, size, partSize, checksum, etag] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const [sizeBytes, partSizeBytes] = [Number(size), Number(partSize)];
    if (!isUriComponent(name) || !(sizeBytes <= partSizeBytes * MAX_PARTS)) continue;
    files.set(decodeURIComponent(name), { sizeBytes, partSizeBytes, checksum, etag });
  }
  return files;
}
