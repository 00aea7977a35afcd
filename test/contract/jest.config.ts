import type { Config } from 'jest';
import everyday, { SLOW } from '../../jest.config.ts';

/**
 * The contract suite against both servers, the sandbox and Ceph's radosgw: `npm run test:contract`. Where radosgw is not
 * installed this fails, and says what to install. Beside it, what takes too long for every day.
 */
const config: Config = {
  ...everyday,
  rootDir: '../..',
  testPathIgnorePatterns: ['/node_modules/'],
  testMatch: [
    '<rootDir>/test/contract/*.test.ts',
    '<rootDir>/test/contract/*.contract.ts',
    ...SLOW.map(file => `<rootDir>/${file}`),
  ],
  testTimeout: 120_000,
};

export default config;
