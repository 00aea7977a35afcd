import type { Config } from 'jest';

/**
 * The everyday suite. Slow campaigns (`test/crash`) and suites against real servers (`test/contract`) have
 * configurations of their own beside them; `.ci/run` runs those too.
 */
const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // Every S3 call failing in every way takes a minute: `npm run test:contract` has it.
  testPathIgnorePatterns: ['/node_modules/', '/test/contract/', '/test/core/storage/faults.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.js' },
  testTimeout: 30_000,
  // Much of the suite waits for programs that it has started, so each core gets a worker.
  maxWorkers: '100%',
};

export default config;
