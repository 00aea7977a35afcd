import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { contractSuite } from './suite.ts';

const SCRIPT = join(import.meta.dirname, 'radosgw.sh');
const KEYS = { accessKeyId: 'CONTRACTKEY', secretAccessKey: 'contract-secret' };
/** Buckets of any other region are refused: the gateway has one zone group. */
const REGION = 'us-east-1';

contractSuite('radosgw', async () => {
  if (run('installed').status !== 0) {
    throw new Error(
      'radosgw is not installed: apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-common',
    );
  }
  const dir = mkdtempSync(join(tmpdir(), 'radosgw-'));
  const port = await freePorts();
  const started = run('start', dir, String(port), KEYS.accessKeyId, KEYS.secretAccessKey);
  if (started.status !== 0) {
    run('stop', dir);
    throw new Error(`radosgw did not start: ${started.stderr}`);
  }
  const url = `http://127.0.0.1:${port}`;
  const s3 = { url, region: REGION, bucket: 'fyemeet', ...KEYS };
  const client = new S3Client({ endpoint: url, region: REGION, forcePathStyle: true, credentials: KEYS });
  await client.send(new CreateBucketCommand({ Bucket: s3.bucket }));
  client.destroy();
  return {
    s3,
    async close() {
      run('stop', dir);
    },
  };
});

function run(...args: string[]) {
  return spawnSync('bash', [SCRIPT, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 110_000,
  });
}

/** The first of two neighbouring ports that are free: the gateway's and the monitor's. */
async function freePorts(): Promise<number> {
  for (let port = 17_500; port < 18_000; port += 2) {
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
  throw new Error('no port is free');
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
