import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { S3Error } from './errors.ts';

/** A request, as its signature sees it. */
export interface SignedRequest {
  method: string;
  /** As sent, undecoded. */
  rawPath: string;
  /** Decoded pairs. */
  query: [name: string, value: string][];
  headers: NodeJS.Dict<string[]>;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

/** A signature found right: what a chunk-signed body needs to go on with. */
export interface Signature {
  amzDate: string;
  scope: string;
  signingKey: Buffer;
  signature: string;
}

/** In the place of a signature where none is needed: nothing that reads an object uses it. */
export const ANONYMOUS: Signature = { amzDate: '', scope: '', signingKey: Buffer.alloc(0), signature: '' };

/** Whether a request carries no signature at all, neither in a header nor in the query. */
export function isAnonymous({ headers, query }: SignedRequest): boolean {
  return headers.authorization === undefined && !query.some(([name]) => name.startsWith('X-Amz-'));
}

interface Claim {
  accessKeyId: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
  amzDate: string;
  payloadHash: string;
  /** Lifetime of a presigned URL; none for a signed header. */
  expiresSeconds?: number;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_SKEW_MS = 15 * 60_000;
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600;

/**
 * Checks an AWS Signature Version 4, in the `Authorization` header or in the query (presigned).
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 * @throws S3Error with the code that S3 gives for what is wrong
 */
export function authenticate(
  request: SignedRequest,
  credentials: Credentials,
  { nowMs, region }: { nowMs: number; region?: string | undefined },
): Signature {
  const claim = request.headers.authorization ? claimOfHeader(request) : claimOfQuery(request);
  if (claim.accessKeyId !== credentials.accessKeyId) {
    throw new S3Error('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', {
      details: { AWSAccessKeyId: claim.accessKeyId },
    });
  }
  checkScope(claim, region);
  checkTime(claim, nowMs);
  checkSignedHeaders(request, claim);

  const scope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`;
  const canonical = canonicalRequest(request, claim);
  const stringToSign = [ALGORITHM, claim.amzDate, scope, sha256(canonical)].join('\n');
  const signingKey = signingKeyOf(credentials.secretAccessKey, claim.date, claim.region);
  const expected = hmac(signingKey, stringToSign).toString('hex');
  if (!sameText(expected, claim.signature)) {
    throw new S3Error(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      { details: { StringToSign: stringToSign, CanonicalRequest: canonical } },
    );
  }
  return { amzDate: claim.amzDate, scope, signingKey, signature: claim.signature };
}

function claimOfHeader({ headers }: SignedRequest): Claim {
  const header = headers.authorization?.[0] ?? '';
  const fields = new Map(
    header
      .slice(ALGORITHM.length)
      .split(',')
      .map(field => field.trim().split('=', 2) as [string, string]),
  );
  const credential = fields.get('Credential');
  const signedHeaders = fields.get('SignedHeaders');
  const signature = fields.get('Signature');
  if (!header.startsWith(`${ALGORITHM} `) || !credential || !signedHeaders || !signature) {
    throw new S3Error('AuthorizationHeaderMalformed', 'The authorization header you provided is invalid.');
  }
  const payloadHash = headers['x-amz-content-sha256']?.[0];
  if (!payloadHash) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  const amzDate = headers['x-amz-date']?.[0] ?? amzDateOf(headers.date?.[0]);
  return { ...credentialOf(credential), signedHeaders: signedHeaders.split(';'), signature, amzDate, payloadHash };
}

function claimOfQuery({ query }: SignedRequest): Claim {
  const value = (name: string) => query.find(([other]) => other === name)?.[1] ?? '';
  if (!value('X-Amz-Signature')) throw new S3Error('AccessDenied', 'Access Denied.');
  const expiresSeconds = Number(value('X-Amz-Expires') || Number.NaN);
  if (value('X-Amz-Algorithm') !== ALGORITHM || !(expiresSeconds > 0 && expiresSeconds <= MAX_EXPIRES_SECONDS)) {
    throw new S3Error('AuthorizationQueryParametersError', 'The X-Amz parameters of the query are not valid.');
  }
  return {
    ...credentialOf(value('X-Amz-Credential')),
    signedHeaders: value('X-Amz-SignedHeaders').split(';'),
    signature: value('X-Amz-Signature'),
    amzDate: value('X-Amz-Date'),
    payloadHash: value('X-Amz-Content-Sha256') || 'UNSIGNED-PAYLOAD',
    expiresSeconds,
  };
}

function credentialOf(text: string): Pick<Claim, 'accessKeyId' | 'date' | 'region' | 'service'> {
  const [terminator, service = '', region = '', date = '', ...accessKey] = text.split('/').reverse();
  if (terminator !== 'aws4_request' || accessKey.length === 0) {
    throw new S3Error(
      'AuthorizationHeaderMalformed',
      'The authorization header is malformed; the credential is wrong.',
    );
  }
  return { accessKeyId: accessKey.reverse().join('/'), date, region, service };
}

function checkScope(claim: Claim, region: string | undefined): void {
  if (claim.service !== 's3' || !claim.region) {
    throw new S3Error('AuthorizationHeaderMalformed', 'The authorization header is malformed; the scope is wrong.');
  }
  if (region !== undefined && claim.region !== region) {
    throw new S3Error(
      'AuthorizationHeaderMalformed',
      `The authorization header is malformed; the region '${claim.region}' is wrong; expecting '${region}'`,
      { details: { Region: region } },
    );
  }
  if (!claim.amzDate.startsWith(claim.date)) {
    throw new S3Error('SignatureDoesNotMatch', 'The date of the credential scope is not that of the request.');
  }
}

function checkTime({ amzDate, expiresSeconds }: Claim, nowMs: number): void {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(amzDate);
  if (!found) throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  const [, year, month, day, hour, minute, second] = found.map(Number);
  const signedMs = Date.UTC(year!, month! - 1, day, hour, minute, second);
  const ageMs = nowMs - signedMs;
  if (expiresSeconds !== undefined) {
    if (ageMs > expiresSeconds * 1000) throw new S3Error('AccessDenied', 'Request has expired');
    if (ageMs >= -MAX_SKEW_MS) return;
  } else if (Math.abs(ageMs) <= MAX_SKEW_MS) return;
  throw new S3Error(
    'RequestTimeTooSkewed',
    'The difference between the request time and the current time is too large.',
    {
      details: {
        RequestTime: amzDate,
        ServerTime: new Date(nowMs).toISOString(),
        MaxAllowedSkewMilliseconds: MAX_SKEW_MS,
      },
    },
  );
}

/** A header that changes what a request does must be under the signature. */
function checkSignedHeaders({ headers }: SignedRequest, { signedHeaders }: Claim): void {
  const unsigned = Object.keys(headers).filter(name => name.startsWith('x-amz-') && !signedHeaders.includes(name));
  if (unsigned.length > 0 || !signedHeaders.includes('host')) {
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      details: { HeadersNotSigned: unsigned.join(', ') || 'host' },
    });
  }
}

function canonicalRequest({ method, rawPath, query, headers }: SignedRequest, claim: Claim): string {
  const path = rawPath
    .split('/')
    .map(segment => encode(decodeURIComponent(segment)))
    .join('/');
  const pairs = query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`);
  const lines = claim.signedHeaders.map(name => {
    const values = headers[name] ?? [];
    return `${name}:${values.map(value => value.trim().replace(/\s+/g, ' ')).join(',')}\n`;
  });
  return [method, path, pairs.join('&'), lines.join(''), claim.signedHeaders.join(';'), claim.payloadHash].join('\n');
}

function amzDateOf(httpDate: string | undefined): string {
  const ms = Date.parse(httpDate ?? '');
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}

function signingKeyOf(secret: string, date: string, region: string): Buffer {
  return hmac(hmac(hmac(hmac(Buffer.from(`AWS4${secret}`), date), region), 's3'), 'aws4_request');
}

/** RFC 3986's unreserved characters stay, all others become upper-case percent codes. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** HMAC-SHA256. */
export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Compares without telling by time where the texts differ. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
