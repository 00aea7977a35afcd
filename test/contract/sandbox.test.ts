import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { AS_AWS } from './capabilities.ts';
import { contractSuite } from './suite.ts';

contractSuite('the sandbox', AS_AWS, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sandbox-contract-'));
  const options = { dataDir, s3: { region: 'us-west-1' } };
  let server = await startSandbox(options);
  return {
    s3: server.s3,
    async restart() {
      await server.close();
      server = await startSandbox(options);
    },
    async close() {
      await server.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
});
