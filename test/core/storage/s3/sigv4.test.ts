import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SignatureV4 } from '@smithy/signature-v4';
import { createSigner, EMPTY_SHA256, encode, encodeQuery } from '../../../../src/core/storage/s3/sigv4.ts';

const CREDENTIALS = { accessKeyId: 'fake-access-key', secretAccessKey: 'fake/secret+key' };
const NOW = new Date('2026-02-03T04:05:06.789Z');

/** What the AWS SDK hashes with, made of Node's own. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  reset(): void {}
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

interface Request {
  method: string;
  key: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  sessionToken?: string;
}

/** The `Authorization` header that the SDK's signer makes of a request. */
async function sdkAuthorization({ method, key, query = {}, headers = {}, sessionToken }: Request): Promise<string> {
  const signer = new SignatureV4({
    credentials: { ...CREDENTIALS, ...(sessionToken !== undefined && { sessionToken }) },
    region: 'us-west-1',
    service: 's3',
    sha256: Sha256 as never,
    uriEscapePath: false,
  });
  const request = {
    protocol: 'https:',
    hostname: 's3.example.com',
    method,
    path: `/bucket/${key.split('/').map(encode).join('/')}`,
    query,
    headers: { host: 's3.example.com', 'x-amz-content-sha256': EMPTY_SHA256, ...headers },
  };
  const signed = await signer.sign(request, { signingDate: NOW });
  return signed.headers.authorization ?? '';
}

function ourAuthorization({ method, key, query = {}, headers = {}, sessionToken }: Request): string {
  const sign = createSigner({ ...CREDENTIALS, sessionToken }, 'us-west-1');
  const path = `/bucket/${key.split('/').map(encode).join('/')}`;
  const unsigned = { method, path, query, headers: { host: 's3.example.com', ...headers }, bodySha256: EMPTY_SHA256 };
  return sign(unsigned, NOW).authorization ?? '';
}

describe('signatures are those of the AWS SDK', () => {
  it.each<[string, Request]>([
    ['a plain key', { method: 'GET', key: '42/video.mkv' }],
    ['a key with every awkward character', { method: 'PUT', key: "42/a b#c%d+e&f=g!'()*~é日🎥.mkv" }],
    [
      'a list',
      { method: 'GET', key: '', query: { 'list-type': '2', prefix: '42/ü &=+', 'continuation-token': '1/=+' } },
    ],
    [
      'an empty value and the order of names',
      { method: 'POST', key: 'k', query: { uploads: '', b: '2', B: '1', a: '', 'a-b': '' } },
    ],
    [
      'metadata, with spaces to be folded',
      {
        method: 'PUT',
        key: 'k',
        headers: { 'content-type': 'text/plain; charset=utf-8', 'x-amz-meta-recordupload-token': ' one  two   three ' },
      },
    ],
    ['a session token', { method: 'HEAD', key: 'k', sessionToken: 'fake-session-token' }],
  ])('%s', async (_, request) => {
    expect(ourAuthorization(request)).toBe(await sdkAuthorization(request));
  });

  it('the key of a day is not used for the next one', () => {
    const sign = createSigner(CREDENTIALS, 'us-west-1');
    const request = { method: 'GET', path: '/b/k', query: {}, headers: { host: 'h' }, bodySha256: EMPTY_SHA256 };
    const days = ['2026-02-03T23:59:59Z', '2026-02-04T00:00:00Z'].map(text => new Date(text));
    const inTurn = days.map(day => sign(request, day).authorization);
    const afresh = days.map(day => createSigner(CREDENTIALS, 'us-west-1')(request, day).authorization);
    expect(inTurn).toEqual(afresh);
    expect(inTurn[0]).toContain('/20260203/us-west-1/s3/');
    expect(inTurn[1]).toContain('/20260204/us-west-1/s3/');
  });
});

it('a query is sent as it is signed: encoded, in the order of the encoded names', () => {
  expect(encodeQuery({ prefix: 'a b/*', uploads: '', é: '1' })).toBe('%C3%A9=1&prefix=a%20b%2F%2A&uploads=');
});
