import { join } from 'node:path';
import type { ReceiverRequest } from '../../../src/sandbox/receiver/server.ts';
import type { S3Request } from '../../../src/sandbox/s3/server.ts';
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts';
import { type Cluster, makeRecorderDatabase, startCluster } from '../../support/postgres.ts';
import { addressOf } from './cables.ts';

/** An obvious fake. Signed webhooks carry an id. */
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** The database, the store and the recordings server of the fleet. */
export interface Services {
  readonly cluster: Cluster;
  readonly sandbox: Sandbox;
  /** What a machine is configured with. */
  readonly env: NodeJS.ProcessEnv;
  /** Ends store and server, and starts them again with what they have on their disk. */
  restart(pauseMs: () => Promise<void>): Promise<void>;
  /** Also of those before a restart. */
  storeRequests(): S3Request[];
  serverRequests(): ReceiverRequest[];
  close(): Promise<void>;
}

export async function startServices(folder: string, { isShared }: { isShared: boolean }): Promise<Services> {
  const cluster = await startCluster({
    // What is committed survives a crash, as on any real server.
    isDurable: true,
    settings: ["listen_addresses = '*'"],
    access: ['host all all 127.0.0.1/32 trust', 'host all all 10.231.0.0/16 trust'],
  });
  const { database } = await makeRecorderDatabase(cluster);
  const begin = () => startSandbox({ host: '0.0.0.0', dataDir: join(folder, 'sandbox'), receiver: { users: 'any' } });
  let sandbox = await begin();
  const earlier: { store: S3Request[]; server: ReceiverRequest[] } = { store: [], server: [] };
  const { s3, receiver } = sandbox;
  return {
    cluster,
    get sandbox() {
      return sandbox;
    },
    env: {
      RECORDUPLOAD_STATE_URL: `postgres://recorder@${addressOf('database')}:${cluster.port}/${database}?sslmode=disable`,
      RECORDUPLOAD_SHARED_FOLDERS: String(isShared),
      RECORDUPLOAD_ENDPOINT: `http://${addressOf('store')}:${s3.port}`,
      RECORDUPLOAD_BUCKET: s3.bucket,
      RECORDUPLOAD_ALLOW_INSECURE: 'true',
      RECORDUPLOAD_SETTLE: '1s',
      // Large ones take seconds, so that something happens meanwhile.
      RECORDUPLOAD_BWLIMIT: '4MiB',
      RECORDUPLOAD_USER_EMAIL: 'operator@example.com',
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      WEBHOOK_URL: `http://${addressOf('server')}:${receiver.port}/recordings/webhook/`,
      WEBHOOK_TOKEN: receiver.token,
      WEBHOOK_SECRET: SECRET,
    },
    async restart(pause) {
      const { s3, receiver } = sandbox;
      await sandbox.close();
      earlier.store.push(...s3.requests());
      earlier.server.push(...receiver.requests());
      await pause();
      sandbox = await begin();
    },
    storeRequests: () => [...earlier.store, ...sandbox.s3.requests()],
    serverRequests: () => [...earlier.server, ...sandbox.receiver.requests()],
    async close() {
      await sandbox.close();
      await cluster.remove();
    },
  };
}
