import { copyFileSync, cpSync, linkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { tempDir } from './temp-dir.ts';

const root = resolve(import.meta.dirname, '../..');

/** The folder of the built program; another build's where `RECORDUPLOAD_TEST_ROOT` names it. */
const programRoot = process.env.RECORDUPLOAD_TEST_ROOT ?? root;

/** The single executable that is tested in place of the built program, where `RECORDUPLOAD_BIN` names one. */
const testedExecutable = process.env.RECORDUPLOAD_BIN && resolve(root, process.env.RECORDUPLOAD_BIN);

/** The file that a user runs: the launcher of the built program, or the executable. */
export const programFile = testedExecutable || join(programRoot, 'bin/recordupload.js');

/** The words that start the program: Node and the launcher, or the executable alone. */
export const programCommand: readonly [string, ...string[]] = testedExecutable
  ? [testedExecutable]
  : [process.execPath, programFile];

let made: readonly [string, ...string[]] | undefined;

/** The same where every user can reach it: a clone may lie in a folder that is root's alone. */
export function publicProgram(): readonly [string, ...string[]] {
  made ??= makePublic(tempDir());
  return made;
}

function makePublic(folder: string): readonly [string, ...string[]] {
  if (testedExecutable) return [linkInto(folder, testedExecutable, 'recordupload')];
  for (const path of ['bin', 'dist', 'package.json'])
    cpSync(join(programRoot, path), join(folder, path), { recursive: true });
  return [linkInto(folder, process.execPath, 'node'), join(folder, 'bin/recordupload.js')];
}

function linkInto(folder: string, file: string, name: string): string {
  const path = join(folder, name);
  try {
    linkSync(file, path);
  } catch {
    copyFileSync(file, path); // another disk
  }
  return path;
}
