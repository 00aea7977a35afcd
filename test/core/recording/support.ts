import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach } from '@jest/globals';
import { systemClock } from '../../../src/core/clock.ts';
import { AppError } from '../../../src/core/errors.ts';
import type { FoundFile } from '../../../src/core/recording/open-file.ts';
import {
  type ReadRecordingDeps,
  type RecordingDefaults,
  type RecordingOverrides,
  readRecording,
} from '../../../src/core/recording/read-recording.ts';
import type { Recording } from '../../../src/core/recording/recording.ts';

const root = resolve(import.meta.dirname, '../../..');
/** A fixture's path: `recordings/3`, `payloads/contract-example.json`, … */
export const fixture = (path: string) => join(root, 'fixtures', path);

/** A file as the folder's reader finds it. */
export function find(path: string): FoundFile {
  const { dev, ino } = statSync(path, { bigint: true });
  return { path, device: String(dev), inode: String(ino) };
}

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** A temporary folder that is gone after the test. */
export function tempFolder(): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'recording-')));
  made.push(dir);
  return dir;
}

/** A folder called `name` with these files; `{}` is an empty one. */
export function makeFolder(files: Record<string, string | Buffer>, name = '42'): string {
  const dir = join(tempFolder(), name);
  mkdirSync(dir);
  for (const [file, content] of Object.entries(files)) writeFileSync(join(dir, file), content);
  return dir;
}

/** A usable recording with a real video of 10 s. */
export function makeRecording(files: Record<string, string | Buffer> = {}, name = '42'): string {
  const dir = makeFolder(files, name);
  copyFileSync(fixture('recordings/3/video.mkv'), join(dir, 'video.mkv'));
  return dir;
}

export interface ReadOptions {
  overrides?: RecordingOverrides;
  defaults?: Partial<RecordingDefaults>;
  deps?: Partial<ReadRecordingDeps>;
}

/** `readRecording` with nothing given; a warning fails the test unless `deps.warn` takes it. */
export function read(dir: string, { overrides = {}, defaults = {}, deps = {} }: ReadOptions = {}): Promise<Recording> {
  const warn = (message: string) => {
    throw new Error(`unexpected warning: ${message}`);
  };
  return readRecording(
    dir,
    overrides,
    { user: {}, extraFiles: [], ...defaults },
    { clock: systemClock, warn, ...deps },
  );
}

/** The `AppError` that a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${String(error)}`, { cause: error });
}

/** Runs a module in a Node of its own and returns what it printed as JSON. `@/` in it is the source folder. */
export function inChild(
  code: string,
  options: { env?: NodeJS.ProcessEnv; args?: string[]; cwd?: string } = {},
): unknown {
  const source = code.replaceAll('@/', `file://${root}/src/`);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', source, '--', ...(options.args ?? [])],
    {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, ...options.env },
      ...(options.cwd && { cwd: options.cwd }),
    },
  );
  if (status !== 0 || stderr !== '') throw new Error(`child: status ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

export const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
