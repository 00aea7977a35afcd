import { createHash, type Hash } from 'node:crypto';
import { S3Error } from './errors.ts';
import { hmac, type Signature, sameText } from './sigv4.ts';

const MAX_LINE_BYTES = 8 * 1024;
const EMPTY_SHA256 = createHash('sha256').digest('hex');
const LF = 10;

/**
 * Takes a body of `Content-Encoding: aws-chunked` apart, as it comes in: `<hex size>[;chunk-signature=…]\r\n<data>\r\n`
 * …, a chunk of size 0, then trailers.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export class AwsChunkedDecoder {
  /** Trailing headers, lower-case names; complete once `done`. */
  readonly trailers = new Map<string, string>();
  #state: 'size' | 'data' | 'data-end' | 'trailers' | 'done' = 'size';
  #left = 0;
  #line: Buffer = Buffer.alloc(0);
  readonly #signatures: ChunkSignatures | undefined;

  /** @param signature the request's own, where each chunk is signed */
  constructor(signature?: Signature) {
    this.#signatures = signature && new ChunkSignatures(signature);
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /**
   * Yields the payload in `bytes`, as views of it.
   * @throws S3Error `InvalidRequest` where the framing is none, `SignatureDoesNotMatch` where a chunk's signature is wrong
   */
  *decode(bytes: Buffer): Generator<Buffer> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'data') {
        const data = bytes.subarray(at, at + this.#left);
        at += data.length;
        this.#left -= data.length;
        this.#signatures?.update(data);
        yield data;
        if (this.#left === 0) this.#state = 'data-end';
        continue;
      }
      const end = bytes.indexOf(LF, at);
      const stop = end < 0 ? bytes.length : end + 1;
      this.#line = Buffer.concat([this.#line, bytes.subarray(at, stop)]);
      at = stop;
      if (this.#line.length > MAX_LINE_BYTES) throw malformed('a line is too long');
      if (end < 0) return;
      const line = this.#line.toString('latin1').replace(/\r?\n$/, '');
      this.#line = Buffer.alloc(0);
      this.#takeLine(line);
    }
  }

  #takeLine(line: string): void {
    switch (this.#state) {
      case 'size': {
        const found = /^([0-9a-f]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(line);
        if (!found) throw malformed('a chunk has no size');
        this.#left = Number.parseInt(found[1] ?? '', 16);
        this.#signatures?.begin(found[2]);
        if (this.#left > 0) {
          this.#state = 'data';
        } else {
          this.#signatures?.end();
          this.#state = 'trailers';
        }
        return;
      }
      case 'data-end':
        if (line !== '') throw malformed('a chunk is longer than its size');
        this.#signatures?.end();
        this.#state = 'size';
        return;
      case 'trailers': {
        if (line === '') {
          this.#signatures?.endTrailers(this.trailers);
          this.#state = 'done';
          return;
        }
        const colon = line.indexOf(':');
        if (colon < 1) throw malformed('a trailer is no header');
        this.trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
        return;
      }
      default:
        throw malformed('there are bytes behind the end');
    }
  }
}

/** The chain of signatures, each over its chunk and the signature before it. */
class ChunkSignatures {
  readonly #seed: Signature;
  #previous: string;
  #claimed = '';
  #hash: Hash = createHash('sha256');

  constructor(seed: Signature) {
    this.#seed = seed;
    this.#previous = seed.signature;
  }

  begin(claimed: string | undefined): void {
    if (!claimed) throw malformed('a chunk has no signature');
    this.#claimed = claimed;
    this.#hash = createHash('sha256');
  }

  update(data: Buffer): void {
    this.#hash.update(data);
  }

  end(): void {
    this.#check('AWS4-HMAC-SHA256-PAYLOAD', [EMPTY_SHA256, this.#hash.digest('hex')], this.#claimed);
  }

  endTrailers(trailers: Map<string, string>): void {
    const claimed = trailers.get('x-amz-trailer-signature');
    const signed = [...trailers].filter(([name]) => name !== 'x-amz-trailer-signature');
    if (signed.length === 0 && claimed === undefined) return;
    const text = signed.map(([name, value]) => `${name}:${value}\n`).join('');
    this.#check('AWS4-HMAC-SHA256-TRAILER', [createHash('sha256').update(text).digest('hex')], claimed ?? '');
  }

  #check(algorithm: string, hashes: string[], claimed: string): void {
    const { amzDate, scope, signingKey } = this.#seed;
    const expected = hmac(signingKey, [algorithm, amzDate, scope, this.#previous, ...hashes].join('\n')).toString(
      'hex',
    );
    if (!sameText(expected, claimed)) {
      throw new S3Error('SignatureDoesNotMatch', 'The signature of a chunk of the body does not match.');
    }
    this.#previous = expected;
  }
}

function malformed(why: string): S3Error {
  return new S3Error('InvalidRequest', `The aws-chunked body is malformed: ${why}.`);
}
