import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, expect, test } from '@jest/globals';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { makeCertificate } from '../support/certificate.ts';
import { cleanUp, clientFor, sandbox, tempDir } from './support.ts';

afterEach(cleanUp);

test('both servers speak TLS with a certificate of ours', async () => {
  const { cert, key } = makeCertificate(await tempDir());
  const tls = { cert: readFileSync(cert), key: readFileSync(key) };
  const box = await sandbox({ s3: { tls }, receiver: { tls } });
  expect([box.s3.url, box.receiver.url]).toEqual([
    expect.stringMatching(/^https:/),
    expect.stringMatching(/^https:.*\/recordings\/webhook\/$/),
  ]);
  const requestHandler = new NodeHttpHandler({ httpsAgent: { ca: tls.cert } });
  await clientFor(box, { requestHandler }).send(new PutObjectCommand({ Bucket: 'fyemeet', Key: 'a', Body: 'x' }));
  expect(box.s3.objects()).toHaveLength(1);
  const status = await new Promise((resolve, reject) => {
    get(box.receiver.url, { ca: tls.cert, agent: false }, res => {
      res.resume();
      resolve(res.statusCode);
    }).on('error', reject);
  });
  expect(status).toBe(405);
});
