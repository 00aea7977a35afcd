import type { Config } from 'jest';
import everyday from '../../jest.config.ts';
import { debian } from './tools.ts';

/** What needs a Debian of its own to be installed in. */
const IN_DEBIAN = ['debian', 'container', 'readme'];
if (debian() === undefined)
  console.error(
    `${IN_DEBIAN.join(', ')} are left out: they need root, debootstrap, and test/packaging/install-tools.sh before them`,
  );

/**
 * What users install, installed as they do it and run: `npm run test:packaging`. `install-tools.sh` beside this file
 * installs what it needs.
 */
const config: Config = {
  ...everyday,
  rootDir: '../..',
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(debian() === undefined ? IN_DEBIAN.map(name => `/${name}\\.package\\.ts$`) : []),
  ],
  testMatch: ['<rootDir>/test/packaging/*.package.ts'],
  testTimeout: 300_000,
};

export default config;
