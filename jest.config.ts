import type { Config } from 'jest';

/**
 * The everyday suite. Slow campaigns (`test/crash`) and suites against real servers (`test/contract`) have
 * configurations of their own beside them; `.ci/run` runs those too.
 */
const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.js' },
  testTimeout: 30_000,
};

export default config;
