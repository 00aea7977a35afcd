import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, type JsonOutput, openDesk } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import type { CliResult } from '../support/run-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

/** A recording that is in the bucket, and known to the server; its folder is as it was. */
export interface Uploaded {
  desk: Desk;
  id: string;
  dir: string;
}

const NAMES = ['thumbnail.jpg', 'transcript.txt', 'video.mkv'];

/** Local files are removed at once, unless `env` says otherwise. */
export async function uploaded(
  sandbox: Sandbox,
  { env = {}, args = [], dir }: { env?: NodeJS.ProcessEnv; args?: readonly string[]; dir?: string } = {},
): Promise<Uploaded> {
  const desk = openDesk(sandbox, { RECORDUPLOAD_DELETE_AFTER: '0s', ...env });
  const id = freshId();
  const folder = dir ?? makeRecording({ name: id });
  const { code } = await desk.run(['upload', folder, '--id', id, '--quiet', ...args]);
  expect(code).toBe(0);
  return { desk, id, dir: folder };
}

/** The content of a folder, by name. */
export function contentOf(dir: string): Record<string, string> {
  if (!existsSync(dir)) return {};
  const names = readdirSync(dir, { withFileTypes: true }).filter(entry => entry.isFile());
  return Object.fromEntries(names.map(({ name }) => [name, readFileSync(join(dir, name), 'base64')]));
}

/** The names of a recording's own files that are still in the folder. */
export function namesIn(dir: string): string[] {
  return existsSync(dir)
    ? readdirSync(dir)
        .filter(name => NAMES.includes(name))
        .toSorted()
    : [];
}

export const ALL = NAMES;

/** Runs `retry`, which ends with this status and changes nothing in the folder. */
export async function expectKept(
  { desk, dir }: Uploaded,
  expected: { code: number } = { code: 0 },
): Promise<CliResult> {
  const before = contentOf(dir);
  const result = await desk.run(['retry']);
  expect(contentOf(dir)).toEqual(before);
  expect(Object.keys(before)).toEqual(expect.arrayContaining(['video.mkv']));
  expect(result.code).toBe(expected.code);
  return result;
}

/** Runs `retry`, which removes the local files of the recording, and its folder. */
export async function expectRemoved({ desk, id, dir }: Uploaded): Promise<CliResult> {
  const result = await desk.run(['retry']);
  expect({ code: result.code, folder: existsSync(dir) }).toEqual({ code: 0, folder: false });
  expect(desk.log()).toEqual(expect.arrayContaining(['local file removed', 'local files removed']));
  expect((await desk.run(['status', id])).stdout).toContain('local files removed');
  return result;
}

/** How often the log says so. */
export function logged({ desk }: Uploaded, message: string): number {
  return desk.log().filter(line => line === message).length;
}

export function json<Result>({ stdout }: CliResult): JsonOutput<Result> {
  return JSON.parse(stdout) as JsonOutput<Result>;
}

/**
 * An environment in which the program runs this code before anything else. `fs` is the module that the program uses.
 * @param code of a CommonJS module
 */
export function hooked(code: string): NodeJS.ProcessEnv {
  const file = join(tempDir(), 'hook.cjs');
  writeFileSync(file, `const fs = require('node:fs');\nconst path = require('node:path');\n${code}`);
  return { NODE_OPTIONS: `--require ${file}` };
}

/** The program's clock is this much ahead of the machine's. */
export function clockShift(ms: number): NodeJS.ProcessEnv {
  return hooked(`
    const RealDate = Date;
    const shifted = () => RealDate.now() + ${ms};
    globalThis.Date = class extends RealDate {
      constructor(...args) { if (args.length === 0) super(shifted()); else super(...args); }
      static now() { return shifted(); }
    };`);
}
