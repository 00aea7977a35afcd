import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { findCycle, type Import, importsOf, modules, packagesLoadedBy, SRC } from './support/imports.ts';
import { isAllowed, ROOMS, roomOf } from './support/layers.ts';

const files = modules();
const imports = files.flatMap(importsOf);
const ours = imports.filter(({ to }) => to.endsWith('.ts'));

const shown = (found: readonly Import[]) => found.map(({ from, to, kind }) => `${from} → ${to} (${kind})`);

describe('the architecture', () => {
  test('imports point one way, from the command line to the core', () => {
    expect(shown(ours.filter(one => !isAllowed(one)))).toEqual([]);
  });

  test('every room holds something, and no rooms import each other in a circle', () => {
    expect(ROOMS.filter(room => !files.some(file => roomOf(file) === room)).map(({ name }) => name)).toEqual([]);
    const between = ours
      .filter(one => isAllowed(one))
      .map(({ from, to }) => ({ from: roomOf(from).name, to: roomOf(to).name }));
    const arrows = between.filter(({ from, to }) => from !== to && !(from === 'app' && to === 'app/runtime'));
    expect(findCycle(arrows)).toBeUndefined();
  });

  test('no module imports itself through others, not even for a type or later', () => {
    expect(findCycle(ours)).toBeUndefined();
  });

  test('the command line works through the use cases: from the rooms of the core it has types, and two functions', () => {
    const used = ours.filter(({ from, to, kind }) => /^cli/.test(from) && /^core\/.+\//.test(to) && kind !== 'type');
    expect([...new Set(used.map(({ to }) => to))].sort()).toEqual([
      'core/upload/upload-report.ts', // the failures in a report
      'core/webhook/signature.ts', // what a signing secret of the sandbox has to be
    ]);
  });

  test('the library is the use cases: from the core it has types and AppError', () => {
    const used = ours.filter(
      ({ from, to, kind }) => /^(?:index\.ts|library\/)/.test(from) && /^core/.test(to) && kind !== 'type',
    );
    expect(used.map(({ to }) => to)).toEqual(['core/errors.ts']);
  });

  test('core and app know nothing of terminals, arguments and exit codes', () => {
    const FORBIDDEN = /\bconsole\.|\bprocess\.(?:stdout|stderr|stdin|argv|exit|exitCode|on|env)\b/;
    const offenders = files.filter(file => {
      return /^(core|app)\//.test(file) && FORBIDDEN.test(readFileSync(join(SRC, file), 'utf8'));
    });
    expect(offenders).toEqual([]);
  });

  test('only the command line prints and ends the process', () => {
    const FORBIDDEN = /\bconsole\.|\bprocess\.(?:stdout|stderr|exit|exitCode)\b/;
    const offenders = files.filter(file =>
      // An example in a docblock may.
      FORBIDDEN.test(readFileSync(join(SRC, file), 'utf8').replace(/^ \*.*$/gm, '')),
    );
    expect(offenders.sort()).toEqual(['cli/interruption.ts', 'cli/process-end.ts', 'cli/terminal/terminal.ts']);
  });

  test('what package.json runs without jest loads nothing of jest', () => {
    const text = readFileSync(join(SRC, '../package.json'), 'utf8');
    const programs = [...text.matchAll(/\bnode ((?:test|scripts)\/[\w/.-]+\.ts)/g)].map(([, file = '']) => file);
    expect(programs).toContain('test/fleet/campaign.ts');
    const withJest = programs.filter(file => packagesLoadedBy(`../${file}`).some(name => /^@?jest\b/.test(name)));
    expect(withJest).toEqual([]);
  });

  test('what every command loads is small: no schemas, no reader of media', () => {
    expect(packagesLoadedBy('cli/run.ts')).toEqual(['chalk', 'commander', 'string-width']);
  });

  test('no command loads the reader of media before it needs it', () => {
    const commands = files.filter(file => file.startsWith('cli/commands/'));
    expect(commands.filter(file => packagesLoadedBy(file).includes('mediabunny'))).toEqual([]);
  });

  test('the AWS SDK carries the S3 work, through its public packages, in two modules', () => {
    const sdk = imports.filter(({ to }) => /^(@aws-sdk|@smithy)\//.test(to));
    const used = sdk.filter(({ kind }) => kind !== 'type').map(({ from, to }) => `${from} → ${to}`);
    expect(used.filter(one => one.startsWith('core/'))).toEqual([
      'core/storage/s3/providers.ts → @aws-sdk/credential-providers',
      'core/storage/s3/providers.ts → @smithy/node-http-handler',
      'core/storage/s3/sdk.ts → @aws-sdk/client-s3',
      'core/storage/s3/sdk.ts → @aws-sdk/lib-storage',
      'core/storage/s3/sdk.ts → @aws-sdk/s3-request-presigner',
    ]);
    // `@scope/name` and no path inside: those are the packages' own business.
    expect(sdk.map(({ to }) => to).filter(name => name.split('/').length > 2)).toEqual([]);
  });

  test('the PostgreSQL client is loaded where the state is a fleet’s, and by no command before', () => {
    const commands = ['cli/main.ts', 'state/open.ts', ...files.filter(file => file.startsWith('cli/commands/'))];
    expect(commands.filter(file => packagesLoadedBy(file).includes('pg'))).toEqual([]);
    expect(packagesLoadedBy('state/postgres/postgres-state.ts')).toEqual(['pg']);
  });

  test('no command loads the AWS SDK before its first request', () => {
    const loads = (file: string) => packagesLoadedBy(file).some(name => name.startsWith('@aws-sdk/'));
    expect(['cli/main.ts', ...files.filter(file => file.startsWith('cli/commands/'))].filter(loads)).toEqual([]);
    expect(loads('core/storage/s3/sdk-bucket.ts')).toBe(true);
  });
});
