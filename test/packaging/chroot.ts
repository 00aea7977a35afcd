import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { debian } from './tools.ts';

/** A Debian of its own: an overlay over the one that `debootstrap` made, with /proc and the loopback network. */
export interface Chroot {
  /** Its root folder. */
  readonly folder: string;
  /** Runs a program to its end, with a plain environment. */
  run(args: readonly string[], options?: ChrootOptions): Promise<ChrootRun>;
  /** Runs a script of `sh -e`. */
  shell(script: string, options?: ChrootOptions): Promise<ChrootRun>;
}

export interface ChrootOptions {
  env?: NodeJS.ProcessEnv;
  /** `<user>[:<group>]`, as `chroot --userspec` takes it. */
  user?: string;
  /** What it reads from stdin. */
  input?: string;
}

export interface ChrootRun {
  status: number | null;
  stdout: string;
  stderr: string;
}

const PLAIN = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
};

const mounted: string[] = [];
/** A folder to mount something on. `tempDir` would remove what is mounted there. */
const made: string[] = [];
function mountPoint(): string {
  const folder = mkdtempSync(join(tmpdir(), 'recordupload-test-'));
  chmodSync(folder, 0o755);
  made.push(folder);
  return folder;
}
afterAll(() => {
  for (const folder of mounted.splice(0).reverse()) mount('umount', '--lazy', folder);
  for (const folder of made.splice(0)) rmdirSync(folder);
});

function mount(...command: [string, ...string[]]): void {
  const [program, ...args] = command;
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
}

/** Makes one; it is gone after the test file. */
export function openChroot(): Chroot {
  const base = debian();
  if (base === undefined) throw new Error('there is no Debian: bash test/packaging/install-tools.sh makes it');
  const [upper, folder] = [mountPoint(), mountPoint()];
  // An overlay's two folders must be on one file system, and that must not be an overlay.
  mount('mount', '-t', 'tmpfs', '-o', 'size=2g,mode=755', 'recordupload-test', upper);
  mounted.push(upper);
  mkdirSync(join(upper, 'changes'));
  mkdirSync(join(upper, 'work'));
  const options = `lowerdir=${base},upperdir=${join(upper, 'changes')},workdir=${join(upper, 'work')}`;
  mount('mount', '-t', 'overlay', '-o', options, 'recordupload-test', folder);
  mounted.push(folder);
  mount('mount', '-t', 'proc', 'proc', join(folder, 'proc'));
  mounted.push(join(folder, 'proc'));

  const run: Chroot['run'] = async (args, { env = {}, user, input = '' } = {}) => {
    const who = user === undefined ? [] : [`--userspec=${user}`];
    const child = spawn('chroot', [...who, folder, ...args], {
      env: { ...PLAIN, ...env },
      stdio: 'pipe',
    });
    // A program that reads nothing may have ended.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', text => {
        said[stream] += text;
      });
    }
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, ...said };
  };
  return { folder, run, shell: (script, options) => run(['sh', '-ec', script], options) };
}
