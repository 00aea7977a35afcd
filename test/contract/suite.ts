import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Bucket } from '../../src/core/storage/bucket.ts';
import { openBucket } from '../../src/core/storage/s3/s3-bucket.ts';
import { bucketSettings } from '../core/storage/support.ts';
import type { Capabilities } from './capabilities.ts';
import { builtProgram } from './suite/built-program.ts';
import type { Contract, RunningStore } from './suite/contract.ts';
import { objects } from './suite/objects.ts';
import { refusals } from './suite/refusals.ts';
import { restarts } from './suite/restarts.ts';
import { uploads } from './suite/uploads.ts';
import { wholeFiles } from './suite/whole-files.ts';

/**
 * What the tool relies on in an S3 server. It runs against the sandbox and against real servers. Where the sandbox
 * differs from AWS, the sandbox has a bug; where a real server does, its capabilities say so.
 */
export function contractSuite(name: string, does: Capabilities, start: () => Promise<RunningStore>): void {
  describe(`The contract with S3, kept by ${name}`, () => {
    let running: RunningStore | undefined;
    let opened: Bucket | undefined;
    beforeAll(async () => {
      running = await start();
      opened = openBucket(bucketSettings(running));
    }, 120_000);
    afterAll(async () => {
      opened?.close();
      await running?.close();
    });
    let lastId = 0;
    const contract: Contract = {
      does,
      get store() {
        return running as RunningStore;
      },
      get bucket() {
        return opened as Bucket;
      },
      freshKey: (file = 'video.mkv') => `contract-${++lastId}/${file}`,
    };
    objects(contract);
    uploads(contract);
    refusals(contract);
    wholeFiles(contract);
    builtProgram(contract);
    if (does.keepsOverRestarts) restarts(contract);
  });
}
