import type { Config } from 'jest';
import everyday from '../../jest.config.ts';

/**
 * The contract suite against both servers, the sandbox and Ceph's radosgw: `npm run test:contract`. Where radosgw is not
 * installed this fails, and says what to install.
 */
const config: Config = {
  ...everyday,
  rootDir: '../..',
  testPathIgnorePatterns: ['/node_modules/'],
  testMatch: ['<rootDir>/test/contract/*.test.ts', '<rootDir>/test/contract/*.contract.ts'],
  testTimeout: 120_000,
};

export default config;
