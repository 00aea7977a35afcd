import type { Config } from 'jest';

/**
 * The everyday suite. Slow campaigns (`test/crash`) and suites against real servers (`test/contract`) have
 * configurations of their own beside them; `.ci/run` runs those too.
 */
const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/test/contract/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.js' },
  testTimeout: 30_000,
  // Much of the suite waits for programs that it has started, so each core gets a worker.
  maxWorkers: '100%',
};

export default config;
