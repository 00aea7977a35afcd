import type { Config } from 'jest';
import everyday from '../../jest.config.ts';

/**
 * What users install, installed as they do it and run: `npm run test:packaging`. `install-tools.sh` beside this file
 * installs what it needs.
 */
const config: Config = {
  ...everyday,
  rootDir: '../..',
  testPathIgnorePatterns: ['/node_modules/'],
  testMatch: ['<rootDir>/test/packaging/*.package.ts'],
  testTimeout: 300_000,
};

export default config;
