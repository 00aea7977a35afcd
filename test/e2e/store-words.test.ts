import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import type { FaultAnswer } from '../../src/sandbox/faults/faults.ts';
import { openDesk, openSandbox, SECRETS } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

/* What a store says of its refusal reaches the operator with the first request that it refuses. */

const always = Number.POSITIVE_INFINITY;
/** The settings that a hint names: `set region to us-west-1 (RECORDUPLOAD_REGION)`. */
const settingsIn = (text: string): NodeJS.ProcessEnv =>
  Object.fromEntries([...text.matchAll(/ to (\S+) \((RECORDUPLOAD_\w+)\)/g)].map(([, value, name]) => [name, value]));

test('a wrong region: the store names the right one, and with it the upload succeeds', async () => {
  const sandbox = await openSandbox({ s3: { region: 'us-west-1' } });
  const desk = openDesk(sandbox, { RECORDUPLOAD_REGION: 'eu-central-1' });
  const dir = makeRecording();
  const refused = await desk.run(['upload', dir]);
  expect(refused.code).toBe(4);
  expect(refused.stdout).toContain("the region 'eu-central-1' is wrong; expecting 'us-west-1'");
  expect(settingsIn(refused.stdout)).toEqual({ RECORDUPLOAD_REGION: 'us-west-1' });
  expect((await desk.run(['upload', dir], { env: settingsIn(refused.stdout) })).code).toBe(0);
});

test('an endpoint that already contains the bucket is refused, and the one in its place works', async () => {
  const sandbox = await openSandbox();
  const dir = makeRecording();
  const { url } = sandbox.s3;
  for (const [endpoint, right] of [
    [`${url}/fyemeet`, url],
    [`${url}/fyemeet/`, url],
    ['https://fyemeet.s3.us-west-1.example.com', 'https://s3.us-west-1.example.com'],
    ['https://FYEMEET.s3.example.com:9000', 'https://s3.example.com:9000'],
    ['https://gateway.example.com/s3/fyemeet', 'https://gateway.example.com/s3'],
  ] as const) {
    const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: endpoint });
    const { code, stderr } = await desk.run(['upload', dir]);
    expect({ endpoint, code }).toEqual({ endpoint, code: 2 });
    expect(stderr).toContain('already contains the bucket fyemeet');
    const instead = /: use (\S+)/.exec(stderr)?.[1];
    expect(instead).toBe(right);
    if (right !== url) continue;
    expect((await desk.run(['upload', dir], { env: { RECORDUPLOAD_ENDPOINT: instead } })).code).toBe(0);
  }
});

test("an endpoint whose own name is the bucket's is none that contains it", async () => {
  const sandbox = await openSandbox();
  for (const [bucket, endpoint, code] of [
    ['minio', 'https://minio.example.com', 0],
    ['s3', 'https://s3.us-west-1.example.com', 0],
    ['storage', 'https://storage.s3.example.com', 2],
  ] as const) {
    const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: endpoint, RECORDUPLOAD_BUCKET: bucket });
    expect({ endpoint, code: (await desk.run(['status'])).code }).toEqual({ endpoint, code });
  }
});

test('a website that answers every HEAD is no store with another recording', async () => {
  const sandbox = await openSandbox();
  const page = '<html>welcome</html>';
  const website = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html', etag: '"5f-1"', 'content-length': page.length }).end(page);
  });
  await new Promise<void>(resolve => website.listen(0, '127.0.0.1', resolve));
  const { port } = website.address() as AddressInfo;
  const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: `http://127.0.0.1:${port}` });
  const { code, stdout } = await desk.run(['upload', makeRecording()]);
  website.close();
  expect(code).toBe(4);
  expect(stdout).toMatch(/does not answer as an S3 service \(.*\) \(check endpoint: .*\)$/m);
});

const refusals: [string, FaultAnswer, RegExp][] = [
  [
    'an expired session',
    { status: 400, code: 'ExpiredToken', message: 'The provided token has expired.' },
    /400 ExpiredToken \(The provided token has expired\.\) \(get new temporary keys/,
  ],
  [
    'a key of another store',
    { status: 403, code: 'InvalidAccessKeyId', message: `No key ${SECRETS.accessKeyId}\nhere` },
    /403 InvalidAccessKeyId \(No key \*\*\* here\) \(check accessKeyId/,
  ],
  [
    'a key of another kind of store (R2)',
    { status: 400, code: 'InvalidArgument', message: 'Credential access key has length 20, should be 32' },
    /400 InvalidArgument \(Credential access key has length 20, should be 32\) \(check accessKeyId/,
  ],
  [
    'a setting that the store does not know',
    { status: 501, code: 'NotImplemented', message: "Header 'x-amz-acl' with value 'public-read' not implemented" },
    /501 NotImplemented \(Header 'x-amz-acl' .*\) \(the store does not know what a setting asks for: leave out acl/,
  ],
  [
    'an object with the name of the folder (MinIO)',
    { status: 400, code: 'XMinioParentIsObject', message: 'Object-prefix is already an object.' },
    /400 XMinioParentIsObject .*\(an object in the bucket has the name of the recording's folder: remove it/,
  ],
  [
    'a bucket of another region (AWS)',
    {
      status: 400,
      code: 'IllegalLocationConstraintException',
      message:
        'The me-south-1 location constraint is incompatible for the region specific endpoint this request was sent to.',
    },
    /\(the bucket is elsewhere: set region to me-south-1 \(RECORDUPLOAD_REGION\)\)/,
  ],
  [
    'a disabled encryption key',
    { status: 400, code: 'KMS.DisabledException', message: 'The key is disabled.' },
    /400 KMS\.DisabledException \(The key is disabled\.\) \(the bucket's encryption key cannot be used/,
  ],
  [
    'a gateway that speaks JSON',
    { status: 403, headers: { 'content-type': 'application/json' }, body: '{"message":"no Route matched"}' },
    /403 \(\{"message":"no Route matched"\}\)/,
  ],
];
test.each(refusals)('%s is named, although a HEAD does not say it', async (_what, answer, says) => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox);
  const dir = makeRecording();
  expect((await desk.run(['upload', dir])).code).toBe(0);
  sandbox.faults.add({ server: 's3', times: always, action: { answer } });
  // Its files are known, so that the first request is a HEAD.
  const { code, stdout } = await desk.run(['upload', dir]);
  expect(code).toBe(4);
  expect(stdout).toMatch(says);
});

test('a refusal that may pass is named too, although a HEAD does not say it', async () => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox, { RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '1s' });
  const answer = { status: 503, code: 'SlowDown', message: 'Your item looks like spam.' };
  sandbox.faults.add({ server: 's3', times: always, action: { answer } });
  const { code, stdout } = await desk.run(['upload', makeRecording()]);
  expect(code).toBe(4);
  expect(stdout).toMatch(/video\.mkv: the store answered 503 SlowDown \(Your item looks like spam\.\)/);
  const gets = sandbox.s3.requests().filter(({ operation }) => operation === 'GetObject');
  expect(new Set(gets.map(({ key }) => key)).size).toBe(gets.length);
});

test('a cap that is used up (B2) is no missing right: the upload pauses, and says what it sent in vain', async () => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox, { RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '2s' });
  const answer = { status: 403, code: 'AccessDenied', message: 'Cannot upload files, storage cap exceeded.' };
  sandbox.faults.add({ server: 's3', operation: 'PutObject', times: always, action: { answer } });
  const { code, stdout } = await desk.run(['upload', makeRecording()]);
  expect(code).toBe(4);
  expect(stdout).toMatch(
    /403 AccessDenied \(Cannot upload files, storage cap exceeded\.\); .* sent in vain \(the bucket's quota/,
  );
});

test('a bucket with Object Lock gets the MD5 that it wants, in one piece and in parts', async () => {
  const sandbox = await openSandbox({ s3: { objectLock: true } });
  const desk = openDesk(sandbox);
  expect(await desk.run(['upload', makeRecording({ videoBytes: 17_000_000 })])).toMatchObject({ code: 0 });
  const refused = sandbox.s3.requests().filter(({ status }) => status === 400);
  // The files that are under way when the first is refused learn it at the same time.
  expect(refused.length).toBeLessThanOrEqual(3);
});
