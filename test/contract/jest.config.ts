import type { Config } from 'jest';
import everyday, { SLOW } from '../../jest.config.ts';
import { ONLY_PACKAGE } from '../e2e/jest.config.ts';
import { findStore, OPTIONAL_STORES } from './stores.ts';

const missing = OPTIONAL_STORES.filter(store => !findStore(store));
for (const store of missing)
  console.error(`${store} is not installed and left out: bash test/contract/install-stores.sh installs it`);

/**
 * With `E2E_HAS_RUN`, what `test:e2e` has run already is left out, but for what it leaves to the npm package.
 */
const isLeft = (file: string) =>
  !process.env.E2E_HAS_RUN || !/^test\/(e2e|dashboard)\//.test(file) || ONLY_PACKAGE.includes(file);

/**
 * The contract suite against the sandbox, Ceph's radosgw, and MinIO and moto where they are installed: `npm run
 * test:contract`. Where radosgw is not installed this fails, and says what to install. Beside it, what takes too long for
 * every day.
 */
const config: Config = {
  ...everyday,
  rootDir: '../..',
  testPathIgnorePatterns: ['/node_modules/', ...missing.map(store => `/${store}\\.contract\\.ts$`)],
  testMatch: [
    '<rootDir>/test/contract/*.test.ts',
    '<rootDir>/test/contract/*.contract.ts',
    ...SLOW.filter(isLeft).map(file => `<rootDir>/${file}`),
  ],
  testTimeout: 120_000,
};

export default config;
