import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

/** A request as it will be sent, before its signature. */
export interface UnsignedRequest {
  method: string;
  /** Percent-encoded. */
  path: string;
  query: Readonly<Record<string, string>>;
  /** Names in lower case; `host` among them. */
  headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body, in hex. */
  bodySha256: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** SHA-256 of nothing: a request without a body. */
export const EMPTY_SHA256 = hash('sha256', '');

/**
 * Signs requests by AWS Signature Version 4, in the `Authorization` header.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * @returns a function that gives a request's headers with those of the signature
 */
export function createSigner(
  { accessKeyId, secretAccessKey, sessionToken }: S3Credentials,
  region: string,
): (request: UnsignedRequest, now: Date) => Record<string, string> {
  // The key of a day is that of all its requests.
  let key: { day: string; object: KeyObject } | undefined;
  const keyOf = (day: string) => {
    if (key?.day !== day) {
      const bytes = [day, region, 's3', 'aws4_request'].reduce(hmac, Buffer.from(`AWS4${secretAccessKey}`));
      key = { day, object: createSecretKey(bytes) };
    }
    return key.object;
  };
  return (request, now) => {
    const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const day = time.slice(0, 8);
    const headers: Record<string, string> = {
      ...request.headers,
      'x-amz-content-sha256': request.bodySha256,
      'x-amz-date': time,
      ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
    };
    const scope = `${day}/${region}/s3/aws4_request`;
    const { text, signedHeaders } = canonicalRequest({ ...request, headers });
    const signature = hmac(keyOf(day), [ALGORITHM, time, scope, hash('sha256', text)].join('\n')).toString('hex');
    return {
      ...headers,
      authorization: `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
    };
  };
}

function canonicalRequest({ method, path, query, headers, bodySha256 }: UnsignedRequest): {
  text: string;
  signedHeaders: string;
} {
  // Proxies may change any others on the way.
  const names = Object.keys(headers)
    .filter(name => name === 'host' || name === 'content-type' || name.startsWith('x-amz-'))
    .sort();
  const lines = names.map(name => `${name}:${headers[name]?.trim().replaceAll(/ +/g, ' ')}`);
  const signedHeaders = names.join(';');
  return {
    text: [method, path, encodeQuery(query), ...lines, '', signedHeaders, bodySha256].join('\n'),
    signedHeaders,
  };
}

/** A query in the order and the encoding that are signed. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(pair => pair.join('='))
    .join('&');
}

/** Percent-encodes all but RFC 3986's unreserved characters, as the signature wants it. */
export function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: Buffer | KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
