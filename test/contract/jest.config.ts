import type { Config } from 'jest';
import everyday from '../../jest.config.ts';

/**
 * The contract suite against both servers, the sandbox and Ceph's radosgw: `npm run test:contract`. Where radosgw is not
 * installed this fails, and says what to install. Beside it, every S3 call failing in every way.
 */
const config: Config = {
  ...everyday,
  rootDir: '../..',
  testPathIgnorePatterns: ['/node_modules/'],
  testMatch: [
    '<rootDir>/test/contract/*.test.ts',
    '<rootDir>/test/contract/*.contract.ts',
    '<rootDir>/test/core/storage/faults.test.ts',
  ],
  testTimeout: 120_000,
};

export default config;
