import { readCaFile } from '../../ca-file.ts';
import { openConnections } from '../../http/connections.ts';
import type { Bucket, BucketMethods } from '../bucket.ts';
import { STALL_MS } from '../stall.ts';
import { targetOf } from '../target.ts';
import { bucketMethods, callMethod } from '../wrap-bucket.ts';
import type { BucketSettings } from './settings.ts';

/**
 * Opens the bucket; nothing is sent yet. The AWS SDK is loaded with the first request: hashing threads, which take longer
 * to start, start meanwhile.
 * @param onRoundTrip told how long each answer to a request without a body took once it was connected, in milliseconds
 * @throws AppError `CONFIG` where the environment names a proxy for the endpoint that cannot be one; Error where `caFile` cannot be read
 */
export function openBucket(settings: BucketSettings, onRoundTrip: (ms: number) => void = () => {}): Bucket {
  const { endpoint, bucket: name } = settings;
  const connections = openConnections({
    ca: readCaFile(settings.caFile),
    proxyEnv: settings.env,
    // A proxy that hangs: the stall watch does not know its socket.
    idleTimeoutMs: STALL_MS,
    most: settings.connections,
  });
  // Said before anything is hashed.
  connections.proxyFor(new URL(endpoint));
  let loaded: Promise<BucketMethods> | undefined;
  const load = async () => {
    const { createSdkBucket } = await import('./sdk-bucket.ts');
    return createSdkBucket(settings, connections, onRoundTrip);
  };
  return {
    name,
    target: targetOf({ endpoint, bucket: name }),
    close: () => connections.close(),
    ...bucketMethods(async (method, args) => {
      loaded ??= load();
      return callMethod(await loaded, method, args);
    }),
  };
}
