import type { Config } from 'jest';

/**
 * What takes its time: every S3 call failing in every way, the contract's 30 s, the SDK's uploads, dead drives, each
 * command with hostile texts, everything that two machines may do with one id. `test:contract` has it.
 */
export const SLOW = [
  'test/core/upload/faults.test.ts',
  'test/dashboard/live.test.ts',
  'test/dashboard/pages.test.ts',
  'test/e2e/full-store.test.ts',
  'test/e2e/one-id.test.ts',
  'test/e2e/payload-order.test.ts',
  'test/e2e/process-end.test.ts',
  'test/e2e/read-only-commands.test.ts',
  'test/e2e/webhook-timeout.test.ts',
  'test/sandbox/multipart.test.ts',
  'test/trust/dead-drive.test.ts',
  'test/trust/echoes.test.ts',
  'test/trust/hostile-text.test.ts',
  'test/watch/bad-input.test.ts',
  'test/watch/recorders.test.ts',
];

/**
 * The everyday suite. Slow campaigns (`test/crash`) and suites against real servers (`test/contract`) have
 * configurations of their own beside them; `.ci/run` runs those too.
 */
const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/test/contract/', ...SLOW.map(file => `/${file}`)],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.js' },
  testTimeout: 30_000,
  // Much of the suite waits for programs that it has started, so each core gets a worker.
  maxWorkers: '100%',
};

export default config;
