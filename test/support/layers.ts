import type { Import } from './imports.ts';

/** A room: a folder below `src`, or modules of one with a task of their own. */
export interface Room {
  name: string;
  holds(file: string): boolean;
  /** The rooms that it may import, by name. `core/*`: every room of the core but `core/storage/s3`. */
  imports: readonly string[];
}

const below = (folder: string) => (file: string) => file.startsWith(`${folder}/`);

/** A room that is all of a folder, but for what the rooms before it hold. */
const folder = (name: string, imports: readonly string[]): Room => ({ name, holds: below(name), imports });

/** What every room may use: errors, time, events, units, pools. */
const SHARED = 'core';

/** The rooms of the program from the top down; a module belongs to the first that holds it. Each may import itself. */
export const ROOMS: readonly Room[] = [
  folder('cli', ['app', 'app/runtime', 'config', 'core/*', 'dashboard', 'sandbox']),
  folder('dashboard', ['app', 'app/runtime', 'config', 'core/*']),
  // Beside the use cases, the types that they take and return, wherever those are.
  {
    name: 'index.ts',
    holds: file => file === 'index.ts' || below('library')(file),
    imports: ['app', 'app/runtime', 'config', 'core/*'],
  },
  {
    name: 'app/runtime',
    holds: file => /^app\/(runtime|open-[\w-]+)\.ts$/.test(file),
    imports: ['app', 'state', 'config', 'core/*', 'core/storage/s3'],
  },
  folder('app', ['app/runtime', 'config', 'core/*']),
  folder('state', ['core/*']),
  // A configuration is data: what its values are used for is no business of its.
  folder('config', [SHARED, 'core/webhook/endpoint.ts', 'core/storage/keys.ts', 'core/alerts/cause.ts']),
  // Servers that shared code with the clients would share their mistakes.
  folder('sandbox', ['core/errors.ts', 'core/read-file.ts']),
  folder('core/alerts', [SHARED, 'core/status']),
  folder('core/status', [SHARED, 'core/delivery', 'core/upload']),
  folder('core/upload', [SHARED, 'core/delivery', 'core/payload', 'core/recording', 'core/storage']),
  folder('core/delivery', [SHARED, 'core/webhook']),
  folder('core/payload', [SHARED, 'core/recording', 'core/storage']),
  folder('core/webhook', [SHARED, 'core/http']),
  folder('core/recording', [SHARED]),
  folder('core/storage/s3', [SHARED, 'core/storage', 'core/http']),
  folder('core/storage', [SHARED]),
  folder('core/http', [SHARED]),
  folder(SHARED, []),
];

/** @throws Error where no room holds it */
export function roomOf(file: string): Room {
  const room = ROOMS.find(({ holds }) => holds(file));
  if (!room) throw new Error(`${file} is in no room: give it one in test/support/layers.ts`);
  return room;
}

/** True where a module may import the other; types count as well, for a reader has to know them too. */
export function isAllowed({ from, to }: Pick<Import, 'from' | 'to'>): boolean {
  const [room, target] = [roomOf(from), roomOf(to)];
  const isCore = target.name.startsWith('core') && target.name !== 'core/storage/s3';
  return (
    room === target ||
    room.imports.includes(to) ||
    room.imports.includes(isCore ? 'core/*' : target.name) ||
    room.imports.includes(target.name)
  );
}
