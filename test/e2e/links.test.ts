import { expect, test } from '@jest/globals';
import { openDesk, openSandbox, readJson } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

interface Verified {
  recordings: { ok: boolean; link: { url: string; ok: boolean; detail: string; fix?: string } }[];
}

const LARGE = 20 * 1024 * 1024;

test('links to private objects are found, and what is advised makes them work', async () => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox);
  const id = freshId();
  const dir = makeRecording({ name: id, videoBytes: LARGE });
  expect(await desk.run(['upload', dir])).toMatchObject({ code: 0 });
  expect(await desk.run(['verify', id])).toMatchObject({ code: 0 });
  const before = await desk.run(['verify', id, '--links']);
  expect(before.code).toBe(7);
  expect(before.stdout).toContain(`${id}: 3 files verified`);
  expect(before.stdout).toContain(
    `✘ ${sandbox.s3.url}/${sandbox.s3.bucket}/${id}/video.mkv: the object is private: those who open the link get 403`,
  );
  expect(before.stdout).toContain('→ let a bucket policy allow s3:GetObject to everybody, or set acl: public-read');

  const open = { env: { RECORDUPLOAD_ACL: 'public-read' } };
  expect(await desk.run(['upload', dir, '--force'], open)).toMatchObject({ code: 0 });
  const after = readJson<Verified>(await desk.run(['verify', id, '--links', '--json']));
  expect(after.result.recordings).toMatchObject([
    { ok: true, link: { ok: true, detail: 'everybody can open the link' } },
  ]);
});

test.each([
  ['that leads nowhere', (url: string) => `${url}/nowhere`, /private|nothing/],
  ['that nobody serves', () => 'http://127.0.0.1:9', /cannot be reached: ECONNREFUSED/],
])('a publicBaseUrl %s is found', async (_, baseOf, says) => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox, {
    RECORDUPLOAD_PUBLIC_BASE_URL: baseOf(sandbox.s3.url),
    RECORDUPLOAD_ACL: 'public-read',
  });
  const id = freshId();
  await desk.run(['upload', makeRecording({ name: id })]);
  const { code, stdout } = await desk.run(['verify', id, '--links']);
  expect(code).toBe(7);
  expect(stdout).toMatch(says);
});

test('a link that leads to another object is found by its size', async () => {
  const sandbox = await openSandbox();
  const [here, there] = [openDesk(sandbox, { RECORDUPLOAD_ACL: 'public-read' }), await openSandbox()];
  const id = freshId();
  await here.run(['upload', makeRecording({ name: id })]);
  const other = openDesk(there, { RECORDUPLOAD_ACL: 'public-read' });
  await other.run(['upload', makeRecording({ name: id, videoBytes: 5000 })]);
  const env = { RECORDUPLOAD_PUBLIC_BASE_URL: there.s3.url };
  const { code, stdout } = await here.run(['verify', id, '--links'], { env });
  expect(code).toBe(7);
  expect(stdout).toMatch(/leads to something else: 5000 bytes instead of \d+\n {4}→ check publicBaseUrl/);
});

test('acl, storageClass and cacheControl reach every object, in one request or in parts', async () => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox, {
    RECORDUPLOAD_ACL: 'public-read',
    RECORDUPLOAD_STORAGE_CLASS: 'STANDARD_IA',
    RECORDUPLOAD_CACHE_CONTROL: 'max-age=86400',
  });
  const id = freshId();
  expect(await desk.run(['upload', makeRecording({ name: id, videoBytes: LARGE })])).toMatchObject({ code: 0 });
  for (const name of ['video.mkv', 'thumbnail.jpg', 'metadata.json']) {
    const response = await fetch(`${sandbox.s3.url}/${sandbox.s3.bucket}/${id}/${name}`);
    await response.arrayBuffer();
    const header = (of: string) => response.headers.get(of);
    expect([name, response.status, header('x-amz-storage-class'), header('cache-control')]).toEqual([
      ...[name, 200],
      ...['STANDARD_IA', 'max-age=86400'],
    ]);
  }
});

test('doctor opens the link of its probe, and knows the storage class that the store keeps', async () => {
  const sandbox = await openSandbox();
  const links = async (env: NodeJS.ProcessEnv) => {
    const { result } = readJson<{ checks: { name: string; status: string; detail: string }[] }>(
      await openDesk(sandbox, env).run(['doctor', '--json']),
    );
    return result.checks.filter(({ name }) => name === 'links' || name === 'storage class');
  };
  expect(await links({})).toMatchObject([{ name: 'links', status: 'warning' }]);
  expect(await links({ RECORDUPLOAD_ACL: 'public-read', RECORDUPLOAD_STORAGE_CLASS: 'GLACIER' })).toMatchObject([
    { status: 'ok', detail: 'objects are stored as GLACIER' },
    { status: 'ok', detail: 'everybody can open the link' },
  ]);
});

test.each([
  ['AccessControlListNotSupported', 'RECORDUPLOAD_ACL', 'public-read', 'the bucket accepts no ACLs: leave out acl'],
  ['InvalidStorageClass', 'RECORDUPLOAD_STORAGE_CLASS', 'NOPE', 'does not know this storageClass: correct it'],
])('a store that answers %s: what to change is said, and helps', async (code, variable, value, hint) => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox);
  const id = freshId();
  const dir = makeRecording({ name: id });
  sandbox.faults.add({ server: 's3', operation: 'PutObject', times: 100, action: { answer: { status: 400, code } } });
  const refused = await desk.run(['upload', dir], { env: { [variable]: value } });
  expect(refused.code).toBe(4);
  expect(refused.stdout + refused.stderr).toContain(hint);
  sandbox.faults.clear();
  expect(await desk.run(['retry'])).toMatchObject({ code: 0 });
});
