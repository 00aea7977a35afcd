import type { Config } from 'jest';

/**
 * What takes its time, so that the everyday suite stays under three minutes: recorders that write in real time, the
 * contract's 30 s, dead drives, every S3 call failing in every way, and what runs the program many times. `test:contract`
 * has it.
 */
export const SLOW = [
  'test/core/upload/faults.test.ts',
  'test/core/upload/live-end.test.ts',
  'test/core/upload/live-stores.test.ts',
  'test/core/upload/live-upload.test.ts',
  'test/dashboard/fleet.test.ts',
  'test/dashboard/live.test.ts',
  'test/dashboard/pages.test.ts',
  'test/docs/fleet.test.ts',
  'test/docs/moving-over.test.ts',
  'test/e2e/advice-of-status.test.ts',
  'test/e2e/bad-configuration.test.ts',
  'test/e2e/code-cache.test.ts',
  'test/e2e/damaged-state.test.ts',
  'test/e2e/enqueue-early.test.ts',
  'test/e2e/fleet.test.ts',
  'test/e2e/fleet-ids.test.ts',
  'test/e2e/fleet-views.test.ts',
  'test/e2e/full-store.test.ts',
  'test/e2e/given-options.test.ts',
  'test/e2e/id-prefix.test.ts',
  'test/e2e/interruptions.test.ts',
  'test/e2e/links.test.ts',
  'test/e2e/odd-names.test.ts',
  'test/e2e/old-versions.test.ts',
  'test/e2e/one-id-race.test.ts',
  'test/e2e/one-id.test.ts',
  'test/e2e/partial-upload.test.ts',
  'test/e2e/payload-order.test.ts',
  'test/e2e/process-end.test.ts',
  'test/e2e/read-only-commands.test.ts',
  'test/e2e/remade-payload.test.ts',
  'test/e2e/store-words.test.ts',
  'test/e2e/tidy-up.test.ts',
  'test/e2e/unknown-id.test.ts',
  'test/e2e/webhook-failures.test.ts',
  'test/e2e/webhook-timeout.test.ts',
  'test/fleet/cut.test.ts',
  'test/fleet/shared-folders.test.ts',
  'test/fleet/spool.test.ts',
  'test/fleet/state-move.test.ts',
  'test/local/conditions.test.ts',
  'test/local/races.test.ts',
  'test/packaging/executables.test.ts',
  'test/sandbox/multipart.test.ts',
  'test/state/transfer/move.test.ts',
  'test/state/postgres/connection.test.ts',
  'test/state/postgres/database.test.ts',
  'test/state/postgres/fleet-delivery.test.ts',
  'test/state/postgres/fleet-endpoints.test.ts',
  'test/state/postgres/machines.test.ts',
  'test/state/postgres/pooler.test.ts',
  'test/trust/dead-drive.test.ts',
  'test/trust/echoes.test.ts',
  'test/trust/hostile-text.test.ts',
  'test/trust/limits.test.ts',
  'test/trust/pipes.test.ts',
  'test/trust/places.test.ts',
  'test/watch/again.test.ts',
  'test/watch/bad-input.test.ts',
  'test/watch/drives.test.ts',
  'test/watch/ears.test.ts',
  'test/watch/limits.test.ts',
  'test/watch/live.test.ts',
  'test/watch/recorders.test.ts',
  'test/watch/worker.test.ts',
];

/**
 * The everyday suite. Slow campaigns (`test/crash`) and suites against real servers (`test/contract`) have
 * configurations of their own beside them; `.ci/run` runs those too.
 */
const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/test/contract/', ...SLOW.map(file => `/${file}`)],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.js' },
  testTimeout: 30_000,
  // Much of the suite waits for programs that it has started, so each core gets a worker.
  maxWorkers: '100%',
};

export default config;
