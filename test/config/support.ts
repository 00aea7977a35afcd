import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { type LoadedConfig, type LoadOptions, loadConfig } from '../../src/config/load-config.ts';
import { machineOf } from '../../src/config/paths.ts';
import { readNamedFile } from '../../src/config/trust/folder-files.ts';
import { trustFiles } from '../../src/config/trust/trusted-files.ts';
import { AppError } from '../../src/core/errors.ts';

/** Folders of a test's own, gone after it, and the loader looking at nothing else. */
export interface Desk {
  cwd: string;
  home: string;
  /** Writes a file below the working folder (or at an absolute path); only the owner may read it, unless said. */
  write(name: string, text: string | object, mode?: number): Promise<string>;
  /** Trusts a file of the working folder, as `config trust` does. */
  trust(name: string): Promise<void>;
  load(env?: Record<string, string>, options?: Partial<LoadOptions>): Promise<LoadedConfig>;
  /** The lines of the failure that loading ends in. */
  problems(env?: Record<string, string>, options?: Partial<LoadOptions>): Promise<string[]>;
}

export function useDesk(): Desk {
  const desk = {} as Desk;
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'recordupload-config-'));
    desk.cwd = path.join(root, 'work');
    desk.home = path.join(root, 'home');
    await Promise.all([mkdir(desk.cwd), mkdir(desk.home)]);
  });
  afterEach(async () => await rm(root, { recursive: true }));

  desk.write = async (name, text, mode = 0o600) => {
    const file = path.resolve(desk.cwd, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, typeof text === 'string' || Buffer.isBuffer(text) ? text : JSON.stringify(text, null, 2), {
      mode,
    });
    return file;
  };
  desk.trust = async name => {
    const machine = machineOf({ HOME: desk.home }, { platform: 'linux' });
    await trustFiles([await readNamedFile(name, desk.cwd, machine)], machine, 0);
  };
  desk.load = async (env = {}, options = {}) =>
    await loadConfig({ cwd: desk.cwd, env: { HOME: desk.home, ...env }, machine: { platform: 'linux' }, ...options });
  desk.problems = async (env, options) => {
    const loaded = await desk.load(env, options).catch((error: unknown) => error);
    if (!(loaded instanceof AppError)) throw new Error('expected an AppError', { cause: loaded });
    if (loaded.code !== 'CONFIG') throw new Error(`expected CONFIG, got ${loaded.code}`);
    return loaded.message.split('\n');
  };
  return desk;
}

/** The origin of one key. */
export function originOf(loaded: LoadedConfig, key: string) {
  return loaded.origins.find(origin => origin.path === key);
}

export const SIGNING_SECRET = `whsec_${Buffer.alloc(24, 'not-real').toString('base64')}`;
export const OLD_SIGNING_SECRET = `whsec_${Buffer.alloc(32, 'old-not-real').toString('base64')}`;
