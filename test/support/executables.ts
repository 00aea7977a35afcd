import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A program of this machine, by the file that is really run. */
export interface Executable {
  /** What to start: the file, with its interpreter in front where `env` would have to look for it. */
  command: readonly [string, ...string[]];
  /** The version manager's shim that PATH names, where there is one. */
  shim: string | undefined;
}

/** Version managers whose shims are links to one program, by that program's name; the manager lies beside it. */
const LINKED_SHIMS: Readonly<Record<string, string>> = { mise: 'mise', 'volta-shim': 'volta' };
/** Shims of pyenv, rbenv and their like, and of asdf, are shell scripts with a line such as `exec "…/pyenv" exec "aws" "$@"`. */
const SCRIPTED_SHIM = /^\s*exec "?(\/[^"\s]+)"? exec\b/m;
const HEAD_BYTES = 4096;

/**
 * Finds a program without the detours that would be measured with it: a version manager's shim (pyenv, rbenv, nodenv,
 * asdf, mise, volta) starts a shell or two before the program, and a `#!/usr/bin/env python3` may lead through a shim too.
 * @param path folders to look in, as in PATH
 * @returns undefined where no folder has it, or only shims whose manager has no such program
 */
export function findExecutable(name: string, path = process.env.PATH ?? ''): Executable | undefined {
  for (const folder of path.split(':').filter(Boolean)) {
    const found = join(folder, name);
    if (!isExecutable(found)) continue;
    const file = behindShims(found, name);
    if (!file) continue;
    const [first = file, ...rest] = [...interpreterOf(file, path), file];
    return { command: [first, ...rest], shim: file === found ? undefined : found };
  }
  return undefined;
}

/** The file that a shim would run, through any number of managers; undefined where a manager does not know it. */
function behindShims(file: string, name: string): string | undefined {
  const seen = new Set<string>();
  for (let current = file; !seen.has(current); ) {
    seen.add(current);
    const manager = managerOf(current, name);
    if (!manager) return current;
    const { status, stdout } = spawnSync(manager, ['which', name], { encoding: 'utf8' });
    const answer = stdout?.trim() ?? '';
    if (status !== 0 || !isExecutable(answer)) return undefined;
    current = answer;
  }
  return undefined;
}

/** The version manager that a file belongs to as a shim. */
function managerOf(file: string, name: string): string | undefined {
  const real = realpathSync(file);
  const linked = basename(real) === name ? undefined : LINKED_SHIMS[basename(real)];
  return linked ? join(dirname(real), linked) : SCRIPTED_SHIM.exec(scriptHead(real))?.[1];
}

/** The words before a script's path; none where the kernel finds the interpreter by itself. */
function interpreterOf(file: string, path: string): string[] {
  const [, interpreter = '', rest = ''] = /^#!\s*(\S+)[ \t]*(.*)/.exec(scriptHead(file)) ?? [];
  const words = rest.split(/\s+/).filter(Boolean);
  if (basename(interpreter) === 'env') {
    const [name = '', ...args] = words[0] === '-S' ? words.slice(1) : words;
    return [...(findExecutable(name, path)?.command ?? [interpreter, name]), ...args];
  }
  if (!interpreter || !isExecutable(interpreter)) return [];
  const real = behindShims(interpreter, basename(interpreter));
  return real && real !== interpreter ? [real, ...words] : [];
}

/** The beginning of a script; empty for any other file. */
function scriptHead(file: string): string {
  const head = Buffer.alloc(HEAD_BYTES);
  const fd = openSync(file, 'r');
  const text = head.toString('latin1', 0, readSync(fd, head));
  closeSync(fd);
  return text.startsWith('#!') ? text : '';
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
