import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { findCycle, type Import, importsOf, modules, packagesLoadedBy, SRC } from './support/imports.ts';

const files = modules();
const imports = files.flatMap(importsOf);
const ours = imports.filter(({ to }) => to.endsWith('.ts'));

/** `core/storage`, `core` (its flows and what all share), `config`, `cli`, `sandbox`, `index.ts`. */
function roomOf(file: string): string {
  const [first = '', second = '', third] = file.split('/');
  return first === 'core' && third !== undefined ? `core/${second}` : first;
}

const ROOMS = ['recording', 'storage', 'webhook', 'state', 'doctor', 'http'];

/** The words that every room of the core speaks; everything else directly in `core/` is a flow. */
const COMMON = ['core/errors.ts', 'core/clock.ts', 'core/events.ts'];

/**
 * Whether a module may import another. Types cost nothing when the program runs, and are how a room says what it needs
 * (a port): inside the core they may come from anywhere.
 */
function isAllowed({ from, to, kind }: Import): boolean {
  const [room, target] = [roomOf(from), roomOf(to)];
  if (room === target || room === 'cli') return true;
  switch (room) {
    // The library is the core, with the configuration that it takes.
    case 'index.ts':
      return target.startsWith('core') || target === 'config';
    // Flows put the rooms together.
    case 'core':
      return target.startsWith('core');
    // Both are tools beside the core: they share its errors and, for configuration, its shapes.
    case 'config':
      if (kind === 'type' && target.startsWith('core')) return true;
      return to === 'core/errors.ts' || to === 'core/recording/json-flaw.ts';
    // A server that shared code with the client would share its mistakes.
    case 'sandbox':
      return to === 'core/errors.ts';
    // The rooms. What a recording is and how connections are made, all know; of each other they know types alone.
    default:
      if (kind === 'type') return target.startsWith('core');
      return COMMON.includes(to) || target === 'core/recording' || target === 'core/http';
  }
}

const shown = (found: readonly Import[]) => found.map(({ from, to, kind }) => `${from} → ${to} (${kind})`);

describe('the architecture', () => {
  test('imports point one way: cli → config, core, sandbox; config and sandbox → core; rooms of the core stay apart', () => {
    expect(shown(ours.filter(one => !isAllowed(one)))).toEqual([]);
  });

  test('the rooms are those of the design', () => {
    const rooms = new Set(files.map(roomOf).filter(room => room.startsWith('core/')));
    expect([...rooms].sort()).toEqual(ROOMS.map(room => `core/${room}`).sort());
    expect(ours.length).toBeGreaterThan(files.length);
  });

  test('nothing imports itself by way of others', () => {
    expect(findCycle(ours.filter(({ kind }) => kind !== 'type'))).toBeUndefined();
  });

  test('the core knows nothing of terminals, arguments and exit codes', () => {
    const FORBIDDEN = /\bconsole\.|\bprocess\.(?:stdout|stderr|stdin|argv|exit|exitCode|on|env)\b/;
    const offenders = files.filter(file => {
      return file.startsWith('core/') && FORBIDDEN.test(readFileSync(join(SRC, file), 'utf8'));
    });
    expect(offenders).toEqual([]);
  });

  test('only the command line prints and ends the process', () => {
    const FORBIDDEN = /\bconsole\.|\bprocess\.(?:stdout|stderr|exit|exitCode)\b/;
    const offenders = files.filter(file =>
      // An example in a docblock may.
      FORBIDDEN.test(readFileSync(join(SRC, file), 'utf8').replace(/^ \*.*$/gm, '')),
    );
    expect(offenders.filter(file => !['cli/main.ts', 'cli/run.ts', 'cli/terminal/terminal.ts'].includes(file))).toEqual(
      [],
    );
  });

  test('what every command loads is small: no schemas, no reader of media', () => {
    expect(packagesLoadedBy('cli/run.ts')).toEqual(['chalk', 'commander']);
  });

  test('no command loads the reader of media before it needs it', () => {
    const commands = files.filter(file => file.startsWith('cli/commands/'));
    expect(commands.filter(file => packagesLoadedBy(file).includes('mediabunny'))).toEqual([]);
  });

  test('nothing of the program needs the AWS SDK, but for its reader of XML', () => {
    const packages = files.flatMap(packagesLoadedBy).filter(name => /^(@aws-sdk|@smithy)/.test(name));
    expect([...new Set(packages)]).toEqual(['@aws-sdk/xml-builder']);
  });
});
