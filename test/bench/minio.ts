import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBucket, type StoreProcess, startProcess } from '../contract/store-process.ts';
import { findExecutable } from '../support/executables.ts';
import { KEYS } from './peers.ts';
import type { Store } from './servers.ts';

/** A tmpfs that every Linux has. */
const IN_MEMORY = '/dev/shm';

/**
 * Starts MinIO on an empty folder; a reset starts it again on another one, so that no run pays for what others left.
 * @param options.isInMemory keeps the data on a tmpfs
 * @returns undefined where it is not installed
 */
export async function startMinio(port: number, { isInMemory }: { isInMemory: boolean }): Promise<Store | undefined> {
  const minio = findExecutable('minio');
  if (!minio) return undefined;
  const home = mkdtempSync(join(isInMemory ? IN_MEMORY : tmpdir(), 'recordupload-minio-'));
  const url = `http://127.0.0.1:${port}`;
  const keys = { accessKeyId: KEYS.AWS_ACCESS_KEY_ID, secretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY };
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    MINIO_ROOT_USER: keys.accessKeyId,
    MINIO_ROOT_PASSWORD: keys.secretAccessKey,
    MINIO_REGION: 'us-west-1',
    MINIO_BROWSER: 'off',
  };
  const data = join(home, 'data');
  let running: StoreProcess | undefined;
  const start = async () => {
    await running?.stop();
    rmSync(data, { recursive: true, force: true });
    mkdirSync(data);
    const command = [...minio.command, 'server', '--quiet', '--address', `127.0.0.1:${port}`, data] as const;
    running = await startProcess(command, env, `${url}/minio/health/ready`);
    for (const bucket of ['fyemeet', 'fyemeet-old'])
      await makeBucket({ s3: { url, region: 'us-west-1', bucket, ...keys } });
  };
  await start();
  return {
    url,
    reset: start,
    resetCounters: async () => {},
    stats: async () => undefined,
    pid: () => running?.pid(),
    stop() {
      void running?.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
