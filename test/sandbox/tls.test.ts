import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, expect, test } from '@jest/globals';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { cleanUp, clientFor, sandbox, tempDir } from './support.ts';

afterEach(cleanUp);

async function certificate() {
  const dir = await tempDir();
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', '-nodes', ...curve, '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  });
  return { key: await readFile(key), cert: await readFile(cert) };
}

test('both servers speak TLS with a certificate of ours', async () => {
  const tls = await certificate();
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
