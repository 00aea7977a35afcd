import type { Config } from 'jest';
import everyday from '../../jest.config.ts';

/** About the launcher of the npm package and what lies beside it, neither of which a single executable has. */
export const ONLY_PACKAGE = ['test/e2e/code-cache.test.ts', 'test/e2e/launcher.test.ts'];

/**
 * What runs the program as its users do: `npm run test:e2e`. With `RECORDUPLOAD_BIN=<file>` it runs a single executable
 * in place of the built program.
 */
const config: Config = {
  ...everyday,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/{e2e,dashboard}/*.test.ts', '<rootDir>/test/cli/completion.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(process.env.RECORDUPLOAD_BIN ? ONLY_PACKAGE.map(file => `/${file}`) : []),
  ],
  testTimeout: 120_000,
};

export default config;
