import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findExecutable } from './executables.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'executables-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function script(path: string, text: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

/** A manager whose `which` knows these programs. */
function manager(path: string, programs: Record<string, string>): string {
  const cases = Object.entries(programs).map(([name, file]) => `  "which ${name}") echo "${file}" ;;`);
  return script(
    path,
    `#!/bin/sh\ncase "$1 $2" in\n${cases.join('\n')}\n  *) echo "not found: $2" >&2; exit 127 ;;\nesac\n`,
  );
}

/** What pyenv writes for each program; rbenv and nodenv write the same with their own names. */
const pyenvShim = (root: string, pyenv: string) => `#!/usr/bin/env bash
set -e
[ -n "$PYENV_DEBUG" ] && set -x

program="\${0##*/}"

export PYENV_ROOT="${root}"
exec "${pyenv}" exec "$program" "$@"
`;

const PROGRAM = '#!/bin/sh\necho aws-cli/1.46\n';

describe('A program that PATH names', () => {
  test('is run as it is where no version manager stands before it', () => {
    const aws = script('bin/aws', PROGRAM);
    expect(findExecutable('aws', join(root, 'bin'))).toEqual({ command: [aws], shim: undefined });
  });

  test('is found behind a shim of pyenv', () => {
    const aws = script('versions/3.11/bin/aws', PROGRAM);
    const pyenv = manager('libexec/pyenv', { aws });
    const shim = script('shims/aws', pyenvShim(root, pyenv));
    expect(findExecutable('aws', join(root, 'shims'))).toEqual({ command: [aws], shim });
  });

  test('is found behind a shim of asdf', () => {
    const aws = script('installs/awscli/bin/aws', PROGRAM);
    const asdf = manager('asdf', { aws });
    const shim = script('shims/aws', `#!/usr/bin/env bash\n# asdf-plugin: awscli 1.46\nexec ${asdf} exec "aws" "$@"\n`);
    expect(findExecutable('aws', join(root, 'shims'))).toEqual({ command: [aws], shim });
  });

  test.each([
    ['mise', 'mise'],
    ['volta-shim', 'volta'],
  ])('is found behind a link to %s', (target, name) => {
    const aws = script('installs/aws', PROGRAM);
    manager(`manager/${name}`, { aws });
    if (target !== name) script(`manager/${target}`, '#!/bin/sh\nexit 1\n');
    mkdirSync(join(root, 'shims'));
    const shim = join(root, 'shims/aws');
    symlinkSync(join(root, 'manager', target), shim);
    expect(findExecutable('aws', join(root, 'shims'))).toEqual({ command: [aws], shim });
  });

  test('is found behind one manager in another', () => {
    const aws = script('real/aws', PROGRAM);
    const inner = script('inner/aws', pyenvShim(root, manager('rbenv', { aws })));
    const shim = script('outer/aws', pyenvShim(root, manager('pyenv', { aws: inner })));
    expect(findExecutable('aws', join(root, 'outer'))).toEqual({ command: [aws], shim });
  });

  test('is looked for further on where the manager does not have it', () => {
    script('shims/aws', pyenvShim(root, manager('pyenv', {})));
    const aws = script('bin/aws', PROGRAM);
    expect(findExecutable('aws', `${join(root, 'shims')}:${join(root, 'bin')}`)?.command).toEqual([aws]);
  });

  test('that only a shim has, and its manager does not know, is not found', () => {
    script('shims/aws', pyenvShim(root, manager('pyenv', {})));
    expect(findExecutable('aws', join(root, 'shims'))).toBeUndefined();
  });

  test('is started by its interpreter where env would find a shim of that', () => {
    const python = script('versions/python3', '#!/bin/sh\n');
    script('shims/python3', pyenvShim(root, manager('pyenv', { python3: python })));
    const s3cmd = script('bin/s3cmd', '#!/usr/bin/env -S python3 -E\n');
    const path = `${join(root, 'bin')}:${join(root, 'shims')}`;
    expect(findExecutable('s3cmd', path)?.command).toEqual([python, '-E', s3cmd]);
  });

  test('keeps the interpreter of its virtual environment, though that is a link', () => {
    script('python3.11', '#!/bin/sh\n');
    mkdirSync(join(root, 'venv/bin'), { recursive: true });
    symlinkSync(join(root, 'python3.11'), join(root, 'venv/bin/python'));
    const aws = script('venv/bin/aws', `#!${join(root, 'venv/bin/python')}\n`);
    expect(findExecutable('aws', join(root, 'venv/bin'))?.command).toEqual([aws]);
  });

  test('that cannot be executed is none', () => {
    chmodSync(script('bin/aws', PROGRAM), 0o644);
    mkdirSync(join(root, 'other/aws'), { recursive: true });
    expect(findExecutable('aws', `${join(root, 'bin')}:${join(root, 'other')}`)).toBeUndefined();
  });
});
