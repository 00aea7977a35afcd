import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AS_AWS } from './capabilities.ts';
import { freePorts, KEYS, makeBucket } from './store-process.ts';
import { contractSuite } from './suite.ts';

const SCRIPT = join(import.meta.dirname, 'radosgw.sh');
/** Buckets of any other region are refused: the gateway has one zone group. */
const REGION = 'us-east-1';

// radosgw 16 answers 500 to such a Complete, so that the upload engine has to look what is left of the upload.
contractSuite(
  'radosgw',
  { ...AS_AWS, checksRegion: false, completeOfAbortedUpload: 500, conditionalComplete: false },
  async () => {
    if (run('installed').status !== 0) {
      throw new Error(
        'radosgw is not installed: apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-common',
      );
    }
    const dir = mkdtempSync(join(tmpdir(), 'radosgw-'));
    const port = await freePorts(17_500);
    const started = run('start', dir, String(port), KEYS.accessKeyId, KEYS.secretAccessKey);
    if (started.status !== 0) {
      run('stop', dir);
      throw new Error(`radosgw did not start: ${started.stderr}`);
    }
    const s3 = { url: `http://127.0.0.1:${port}`, region: REGION, bucket: 'fyemeet', ...KEYS };
    await makeBucket({ s3 });
    return {
      s3,
      async restart() {
        const { status, stderr } = run('restart', dir, String(port));
        if (status !== 0) throw new Error(`radosgw did not start again: ${stderr}`);
      },
      async close() {
        run('stop', dir);
      },
    };
  },
);

function run(...args: string[]) {
  return spawnSync('bash', [SCRIPT, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 110_000,
  });
}
