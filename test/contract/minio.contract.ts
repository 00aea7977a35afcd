import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AS_AWS } from './capabilities.ts';
import { freePorts, KEYS, makeBucket, startProcess } from './store-process.ts';
import { needStore } from './stores.ts';
import { contractSuite } from './suite.ts';

/** MinIO, which IDrive E2 runs, on one folder. */
contractSuite('MinIO', { ...AS_AWS, listsUploadsByPrefix: false, abortOfGoneUpload: 'accepted' }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'minio-'));
  const port = await freePorts(18_000);
  const url = `http://127.0.0.1:${port}`;
  const minio = await startProcess(
    [...needStore('minio'), 'server', '--quiet', '--address', `127.0.0.1:${port}`, join(dir, 'data')],
    {
      PATH: process.env.PATH,
      HOME: dir,
      MINIO_ROOT_USER: KEYS.accessKeyId,
      MINIO_ROOT_PASSWORD: KEYS.secretAccessKey,
      MINIO_REGION: 'us-west-1',
      MINIO_BROWSER: 'off',
    },
    `${url}/minio/health/ready`,
  );
  const s3 = { url, region: 'us-west-1', bucket: 'fyemeet', ...KEYS };
  await makeBucket({ s3 });
  return {
    s3,
    restart: minio.restart,
    async close() {
      await minio.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
});
