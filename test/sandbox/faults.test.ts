import { setTimeout as sleep } from 'node:timers/promises';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { FaultAction, Sandbox } from '../../src/sandbox/sandbox.ts';
import { bytes, cleanUp, clientFor, failure, MIB, payload, post, sandbox } from './support.ts';

afterEach(cleanUp);
const Bucket = 'fyemeet';

function put(box: Sandbox, Key = 'a', Body: string | Buffer = 'hello') {
  return clientFor(box).send(new PutObjectCommand({ Bucket, Key, Body }));
}

describe('which requests fail', () => {
  const action: FaultAction = { answer: { status: 503, code: 'SlowDown' } };
  const failed = (box: Sandbox) => box.s3.requests().map(({ status }) => status === 503);

  test('one, unless told otherwise', async () => {
    const box = await sandbox();
    box.faults.add({ server: 's3', action });
    expect(await failure(put(box))).toEqual({ name: 'SlowDown', status: 503 });
    await put(box);
    expect(failed(box)).toEqual([true, false]);
  });

  test('so many from the n-th on, as counted by the rule', async () => {
    const box = await sandbox();
    const fault = box.faults.add({ server: 's3', operation: 'PutObject', from: 2, times: 2, action });
    for (let n = 0; n < 5; n++) await put(box).catch(() => {});
    expect(failed(box)).toEqual([false, true, true, false, false]);
    expect([fault.matched(), fault.hits()]).toEqual([5, 2]);
  });

  test('all, until the rule is removed', async () => {
    const box = await sandbox();
    const fault = box.faults.add({ server: 's3', times: Infinity, action });
    for (let n = 0; n < 3; n++) await failure(put(box));
    fault.remove();
    await put(box);
    expect(failed(box)).toEqual([true, true, true, false]);
  });

  test('those of one key, or of keys that start so', async () => {
    const box = await sandbox();
    box.faults.add({ server: 's3', key: 'a', times: Infinity, action });
    box.faults.add({ server: 's3', key: '3/*', times: Infinity, action });
    for (const key of ['a', 'ab', '3/x', '3']) await put(box, key).catch(() => {});
    expect(failed(box)).toEqual([true, false, true, false]);
  });

  test('those of one part', async () => {
    const box = await sandbox();
    const client = clientFor(box);
    box.faults.add({ server: 's3', operation: 'UploadPart', partNumber: 2, action });
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }));
    const part = (PartNumber: number) =>
      client.send(new UploadPartCommand({ Bucket, Key: 'a', UploadId, PartNumber, Body: 'x' }));
    await part(1);
    expect(await failure(part(2))).toMatchObject({ status: 503 });
    await part(3);
    expect(box.s3.uploads()[0]?.parts.map(({ partNumber }) => partNumber)).toEqual([1, 3]);
  });
});

describe('what goes wrong', () => {
  test('an answer made up before processing leaves nothing; after, everything', async () => {
    const box = await sandbox();
    box.faults.add({ server: 's3', key: 'no', action: { answer: { status: 500 } } });
    box.faults.add({ server: 's3', key: 'yes', action: { answer: { status: 504, when: 'after' } } });
    expect(await failure(put(box, 'no'))).toEqual({ name: 'InternalError', status: 500 });
    expect(await failure(put(box, 'yes'))).toMatchObject({ status: 504 });
    expect(box.s3.objects().map(({ key }) => key)).toEqual(['yes']);
  });

  test('an early answer comes while the body is still being sent', async () => {
    const box = await sandbox();
    box.faults.add({ server: 's3', action: { answer: { status: 503, code: 'SlowDown', early: true } } });
    const body = new ReadableStream({
      pull: controller => controller.enqueue(Buffer.alloc(MIB)), // without an end
    });
    const answer = await fetch(`${box.s3.url}/fyemeet/a`, { method: 'PUT', body, duplex: 'half' } as RequestInit);
    expect(answer.status).toBe(503);
  });

  test.each([
    ['before', []],
    ['after', ['a']],
  ] as const)('a connection dropped %s processing leaves %j', async (drop, keys) => {
    const box = await sandbox();
    box.faults.add({ server: 's3', action: { drop } });
    expect(await failure(put(box))).toMatchObject({ status: undefined });
    expect(box.s3.objects().map(({ key }) => key)).toEqual(keys);
    expect(box.s3.requests()).toMatchObject([{ status: null, bodyBytes: 5 }]);
  });

  test('a connection dropped within the body has taken about so many bytes', async () => {
    const box = await sandbox();
    box.faults.add({ server: 's3', action: { dropAfterBytes: 100_000 } });
    expect(await failure(put(box, 'a', bytes(8 * MIB)))).toMatchObject({ status: undefined });
    expect(box.s3.objects()).toEqual([]);
    const [request] = box.s3.requests();
    expect(request?.bodyBytes).toBeGreaterThanOrEqual(100_000);
    expect(request?.bodyBytes).toBeLessThan(8 * MIB);
  });

  test('a 200 may have an error inside, behind white space', async () => {
    const box = await sandbox();
    const client = clientFor(box);
    box.faults.add({
      server: 's3',
      operation: 'CompleteMultipartUpload',
      action: { errorInside: 'InternalError' },
    });
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }));
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key: 'a', UploadId, PartNumber: 1, Body: 'x' }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    const complete = () =>
      client.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'a', UploadId, MultipartUpload }));
    expect(await failure(complete())).toMatchObject({ name: 'InternalError' });
    expect(box.s3.objects()).toEqual([]);
    await complete();
    expect(box.s3.objects()).toHaveLength(1);
  });

  test('a delay is over before the answer', async () => {
    const box = await sandbox();
    box.faults.add({ server: 's3', action: { delayMs: 20 } });
    await put(box);
    expect(box.s3.objects()).toHaveLength(1);
  });

  test('a dripped answer is whole in the end', async () => {
    const box = await sandbox();
    await put(box);
    box.faults.add({ server: 's3', operation: 'GetObject', action: { dripMs: 1 } });
    const got = await clientFor(box).send(new GetObjectCommand({ Bucket, Key: 'a' }));
    expect(await got.Body?.transformToString()).toBe('hello');
  });

  test('a truncated answer breaks off', async () => {
    const box = await sandbox();
    await put(box);
    box.faults.add({ server: 's3', operation: 'GetObject', action: { truncateTo: 2 } });
    const got = await clientFor(box).send(new GetObjectCommand({ Bucket, Key: 'a' }));
    await expect(got.Body?.transformToString()).rejects.toThrow();
  });

  test.each(['before', 'after'] as const)(
    'a request left hanging %s processing ends when the sandbox closes',
    async hang => {
      const box = await sandbox();
      box.faults.add({ server: 's3', action: { hang } });
      box.faults.add({ server: 'webhook', action: { hang } });
      const attempts = [failure(put(box)), failure(post(box, payload()))];
      while (box.s3.requests().length + box.receiver.requests().length < 2) await new Promise(setImmediate);
      await box.close();
      await Promise.all(attempts);
    },
  );
});

test('a webhook fails by the same rules, and its body is in the log', async () => {
  const box = await sandbox();
  box.faults.add({
    server: 'webhook',
    operation: 'Webhook',
    action: { answer: { status: 503, headers: { 'Retry-After': '7' } } },
  });
  const answer = await post(box, payload());
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7']);
  expect(box.receiver.recordings()).toEqual([]);
  expect(JSON.parse(box.receiver.requests()[0]?.body ?? '')).toEqual(payload());

  box.faults.add({ server: 'webhook', action: { drop: 'after' } });
  await failure(post(box, payload()));
  expect(box.receiver.recordings()).toHaveLength(1);
  expect((await post(box, payload())).status).toBe(200);
});

test('a late webhook is processed even where the client has gone', async () => {
  const box = await sandbox();
  const fault = box.faults.add({ server: 'webhook', action: { lateMs: 300 } });
  const leaving = new AbortController();
  const sent = fetch(box.receiver.url, {
    method: 'POST',
    headers: { 'X-Webhook-Token': box.receiver.token },
    body: JSON.stringify(payload()),
    signal: leaving.signal,
  });
  while (box.receiver.requests()[0]?.body === undefined) await sleep(5);
  leaving.abort();
  await expect(sent).rejects.toThrow();
  expect(fault.hits()).toBe(1);
  expect(box.receiver.recordings()).toEqual([]);
  while (box.receiver.recordings().length === 0) await sleep(5);
});

test('a redirect or a proxy’s page is an answer like any other', async () => {
  const box = await sandbox();
  const answer = { status: 302, headers: { Location: 'http://127.0.0.1:9/' }, body: '<html>moved</html>' };
  box.faults.add({ server: 'webhook', action: { answer } });
  const response = await fetch(box.receiver.url, { method: 'POST', body: '{}', redirect: 'manual' });
  expect([response.status, response.headers.get('location'), await response.text()]).toEqual([
    302,
    'http://127.0.0.1:9/',
    '<html>moved</html>',
  ]);
});

describe('over HTTP', () => {
  const rules = (box: Sandbox, init?: RequestInit) => fetch(`${box.receiver.baseUrl}/__faults`, init);

  test('rules are added, shown and cleared', async () => {
    const box = await sandbox();
    const body = JSON.stringify([{ server: 's3', key: 'a', times: 'Infinity', action: { answer: { status: 418 } } }]);
    expect((await rules(box, { method: 'POST', body })).status).toBe(201);
    expect(await failure(put(box))).toMatchObject({ status: 418 });
    expect(await (await fetch(`${box.s3.url}/__faults`)).json()).toEqual([
      { rule: { server: 's3', key: 'a', times: 'Infinity', action: { answer: { status: 418 } } }, matched: 1, hits: 1 },
    ]);
    expect((await rules(box, { method: 'DELETE' })).status).toBe(204);
    await put(box);
  });

  test.each([
    ['{', 'JSON'],
    ['{"server":"s3"}', 'rule.action: is missing'],
    ['{"server":"ftp","action":{"delayMs":1}}', 'rule.server: "ftp" is not possible'],
    ['{"server":"s3","action":{}}', 'action: says nothing'],
    ['{"server":"s3","action":{"explode":true}}', 'action.explode: there is no such field'],
    ['{"server":"s3","action":{"answer":{"status":99}}}', 'action.answer.status: 99 is not possible'],
    ['{"server":"s3","times":0,"action":{"delayMs":1}}', 'rule.times: 0 is not possible'],
  ])('the rule %s is refused with the reason', async (body, reason) => {
    const box = await sandbox();
    const answer = await rules(box, { method: 'POST', body });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { message: string }).message).toContain(reason);
    expect(box.faults.list()).toEqual([]);
  });
});
