import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { read, repositoryFiles } from '../docs/support.ts';
import { tempDir } from '../support/temp-dir.ts';
import { oldNodes, root } from './tools.ts';

/* The package as npm packs it, installed without a network. */

const { version } = JSON.parse(read('package.json')) as { version: string };
const bin = join(root, 'node_modules/.bin');
const PATH = `${bin}:${process.env.PATH}`;

interface Run {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end; what it prints on both streams. npm asks its registry at most once, which may not be there. */
function run(program: string, args: readonly string[], { cwd = tempDir(), env = {} }: Run = {}) {
  const whole = {
    PATH,
    HOME: tempDir(),
    npm_config_loglevel: 'warn',
    npm_config_update_notifier: 'false',
    npm_config_fetch_retries: '0',
    ...env,
  };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env: whole, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** A copy of the repository to pack: the build empties `dist/`, which other tests use. */
function copyOfRepository(): string {
  const copy = tempDir();
  for (const file of repositoryFiles()) if (existsSync(join(root, file))) cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

let packed: string;
let publishing: ReturnType<typeof run>;
/** What is in the package, by path. */
let files: string[];
/** The folder of a program that has the package installed, and nothing else. */
let project: string;
beforeAll(() => {
  const [copy, folder] = [copyOfRepository(), tempDir()];
  const packing = run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: copy });
  expect(packing).toMatchObject({ status: 0, stderr: expect.not.stringMatching(/warn|error/i) });
  publishing = run('npm', ['publish', '--dry-run', '--ignore-scripts'], { cwd: copy });
  packed = join(folder, `recordupload-${version}.tgz`);
  files = spawnSync('tar', ['-tf', packed], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n')
    .map(path => path.replace(/^package\//, ''));
  project = tempDir();
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
  expect(run('npm', ['install', '--offline', packed], { cwd: project })).toMatchObject({ status: 0, stderr: '' });
});

describe('the package', () => {
  test('is published without a warning', () => {
    // Nobody is logged in here; that is the only one.
    const warnings = publishing.stderr.split('\n').filter(line => /warn|error/i.test(line));
    expect(warnings.filter(line => !line.includes('requires you to be logged in'))).toEqual([]);
    expect(publishing.stdout).toContain(`+ recordupload@${version}`);
  });

  test('needs no other package and runs nothing when it is installed', () => {
    expect(readdirSync(join(project, 'node_modules')).filter(name => !name.startsWith('.'))).toEqual(['recordupload']);
    const { dependencies, optionalDependencies, peerDependencies, scripts } = JSON.parse(
      readFileSync(join(project, 'node_modules/recordupload/package.json'), 'utf8'),
    );
    expect({ dependencies, optionalDependencies, peerDependencies }).toEqual({});
    expect(Object.keys(scripts).filter(name => /install|^prepare$/.test(name))).toEqual([]);
  });

  test('has no executable, no Debian package, no source and no test', () => {
    expect(files.filter(path => /^(?:src|test|scripts|fixtures)\/|\.(?:deb|ts)$|executable/.test(path))).toEqual([
      'dist/types/index.d.ts',
    ]);
  });

  test('has every file that its README and its other pages link to', () => {
    const missing = files
      .filter(path => path.endsWith('.md') && path !== 'CHANGELOG.md')
      .flatMap(path => {
        const text = readFileSync(join(project, 'node_modules/recordupload', path), 'utf8');
        const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link = '']) => link);
        return links
          .filter(link => !/^[a-z]+:/.test(link))
          .map(link => ({ path, target: posix.join(dirname(path), link) }));
      })
      // Pages for developers name sources and tests; the README does not.
      .filter(
        ({ path, target }) => !files.includes(target) && (path === 'README.md' || !/^(?:src|test)\//.test(target)),
      );
    expect(missing).toEqual([]);
  });
});

describe('a program that has only TypeScript beside it', () => {
  beforeAll(() => {
    const example = /```ts\n(.*?)```/s.exec(read('src/index.ts'))?.[1]?.replace(/^ \* ?/gm, '') ?? '';
    // Types of Node are no part of TypeScript.
    writeFileSync(
      join(project, 'example.ts'),
      `declare const console: { log(...words: unknown[]): void; error(...words: unknown[]): void };\n${example}`,
    );
    const everything =
      "export * from 'recordupload';\nimport { loadConfig } from 'recordupload';\nawait loadConfig({ env: { HOME: '/', NONE: undefined } });\n";
    writeFileSync(join(project, 'everything.ts'), everything);
  });

  test.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('compiles with module %s and resolution %s, and checks the library', (module, moduleResolution) => {
    const options = ['--noEmit', '--strict', '--target', 'es2024', '--skipLibCheck', 'false', '--types', ''];
    const kind = ['--module', module, '--moduleResolution', moduleResolution];
    const compiled = run(join(bin, 'tsc'), [...options, ...kind, 'example.ts', 'everything.ts'], { cwd: project });
    expect(compiled).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('gets an error for what the library does not have', () => {
    writeFileSync(
      join(project, 'wrong.ts'),
      "import { loadConfig } from 'recordupload';\nawait loadConfig({ cwd: 1 });\n",
    );
    const options = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext', '--types', ''];
    const { stdout } = run(join(bin, 'tsc'), [...options, 'wrong.ts'], { cwd: project });
    expect(stdout).toContain("Type 'number' is not assignable to type 'string'");
  });
});

describe('installed', () => {
  test('npx runs the packed file', () => {
    const cwd = tempDir();
    cpSync(packed, join(cwd, basename(packed)));
    const running = run('npx', ['--yes', '--offline', `./${basename(packed)}`, '--version'], { cwd });
    expect(running).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('for the whole machine, it brings its command and its manual page', () => {
    const prefix = tempDir();
    const installing = run('npm', ['install', '--global', '--offline', '--prefix', prefix, packed]);
    expect(installing).toMatchObject({ status: 0, stderr: '' });
    const command = join(prefix, 'bin/recordupload');
    expect(run(command, ['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    const page = readFileSync(join(prefix, 'share/man/man1/recordupload.1'), 'utf8');
    expect(run(command, ['man']).stdout).toBe(`${page}\n`);
    expect(page).toContain(`"recordupload ${version}"`);
  });

  test('uploads a recording to its own sandbox', () => {
    const command = join(project, 'node_modules/.bin/recordupload');
    const { status, stdout } = run(command, ['upload', '--sandbox', '--json', join(root, 'fixtures/recordings/3')]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ result: { recordings: [{ outcome: 'uploaded' }] } });
  });

  test.each(oldNodes())('under Node $version, it says in one line what helps', ({ version: old, node }) => {
    const command = join(project, 'node_modules/.bin/recordupload');
    expect(run(node, [command, 'upload', 'recordings/3'])).toEqual({
      status: 2,
      stdout: '',
      stderr:
        `recordupload needs Node.js 24.5 or newer (this is ${old}): install it from https://nodejs.org, or take the ` +
        'executable or the Debian package, which bring their own\n',
    });
  });
});
