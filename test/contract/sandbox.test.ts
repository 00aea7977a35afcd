import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { contractSuite } from './suite.ts';

contractSuite('the sandbox', async () => {
  const server = await startSandbox();
  return { s3: server.s3, close: () => server.close() };
});
