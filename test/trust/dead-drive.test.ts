import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Desk, openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

/* A network drive that does not answer, wherever a command looks: Ctrl-C and SIGTERM end the command all the same. */

const sandbox = await openSandbox();
const canMount = process.getuid?.() === 0 && existsSync('/dev/fuse');
const withDrive = canMount ? describe : describe.skip;

interface Drive extends AsyncDisposable {
  /** Resolves once a program waits for the drive. */
  asked: Promise<void>;
}

async function deadDrive(folder: string): Promise<Drive> {
  mkdirSync(folder, { recursive: true });
  const script = join(import.meta.dirname, 'dead-drive.py');
  const drive = spawn('python3', [script, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  const waiting = new Map<string, () => void>();
  drive.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    for (const [word, resolve] of waiting) if (said.includes(word)) resolve();
  });
  const says = (word: string) =>
    new Promise<void>((resolve, reject) => {
      waiting.set(word, resolve);
      drive.once('exit', () => reject(new Error(`the drive ended without saying ${word}`)));
    });
  const asked = says('asked');
  asked.catch(() => {});
  await says('mounted');
  return {
    asked,
    async [Symbol.asyncDispose]() {
      drive.stdin.end();
      if (drive.exitCode === null) await once(drive, 'exit');
    },
  };
}

interface Place {
  where: string;
  args(desk: Desk): readonly string[];
  /** What the drive is mounted at. */
  drive(desk: Desk): string;
  env?(desk: Desk): NodeJS.ProcessEnv;
}

const upload = () => ['upload', makeRecording()];
const at = (desk: Desk) => join(desk.home, 'drive');

const PLACES: readonly Place[] = [
  { where: 'the recording’s folder', drive: at, args: desk => ['upload', join(at(desk), '42')] },
  { where: 'a folder of recordings', drive: at, args: desk => ['upload', '--recursive', at(desk)] },
  { where: 'a recording that is only planned', drive: at, args: desk => ['upload', '--dry-run', at(desk)] },
  { where: 'a recording that is verified', drive: at, args: desk => ['verify', join(at(desk), '42')] },
  {
    where: 'the target of a link in the recording’s folder',
    drive: at,
    args: desk => {
      const dir = makeRecording();
      symlinkSync(join(at(desk), 'recording.json'), join(dir, 'recording.json'));
      return ['upload', dir];
    },
  },
  ...['.recorduploadrc', '.env'].map(name => ({
    where: `the target of a link in the working folder, ${name}`,
    drive: at,
    args: (desk: Desk) => {
      symlinkSync(join(at(desk), name), join(desk.cwd, name));
      return upload();
    },
  })),
  { where: 'the file that --config names', drive: at, args: desk => ['status', '--config', join(at(desk), 'c.yaml')] },
  { where: 'the user’s configuration', drive: desk => join(desk.home, '.config', 'recordupload'), args: upload },
  { where: 'the state folder, for an upload', drive: desk => desk.stateDir, args: upload },
  { where: 'the state folder, for status', drive: desk => desk.stateDir, args: () => ['status'] },
  {
    where: 'the log',
    drive: at,
    args: upload,
    env: desk => ({ RECORDUPLOAD_LOG_FILE: join(at(desk), 'app.log') }),
  },
  {
    where: 'the log that is shown',
    drive: at,
    args: () => ['logs'],
    env: desk => ({ RECORDUPLOAD_LOG_FILE: join(at(desk), 'app.log') }),
  },
  {
    where: 'the file of the token',
    drive: at,
    args: upload,
    env: desk => ({ WEBHOOK_TOKEN: undefined, WEBHOOK_TOKEN_FILE: join(at(desk), 'token') }),
  },
  { where: 'caFile', drive: at, args: upload, env: desk => ({ RECORDUPLOAD_CA_FILE: join(at(desk), 'ca.pem') }) },
  {
    where: 'the AWS tools’ files',
    drive: desk => join(desk.home, '.aws'),
    args: upload,
    env: () => ({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_PROFILE: 'recordings' }),
  },
  { where: 'a file for config init', drive: at, args: desk => ['config', 'init', '--token-file', join(at(desk), 't')] },
  { where: 'the sandbox’s folder', drive: at, args: desk => ['sandbox', '--data', join(at(desk), 'data')] },
];

/** A program that does not end by itself is killed after this, so that the test fails and the drive is unmounted. */
const LIMIT_MS = 30_000;

/** Starts the command, waits until the drive holds it up, and asks it to stop. */
async function interrupted({ where, args, drive, env }: Place, signal: 'SIGINT' | 'SIGTERM') {
  const desk = openDesk(sandbox);
  const words = args(desk);
  await using dead = await deadDrive(drive(desk));
  const run = desk.start(words, { env: env?.(desk) ?? {} });
  const limit = setTimeout(() => run.kill('SIGKILL'), LIMIT_MS);
  await Promise.race([dead.asked, run.result]);
  await untilIdle(run.pid);
  run.kill(signal);
  const { code, stderr } = await run.result;
  clearTimeout(limit);
  return { where, code, says: /interrupted by SIG[A-Z]+/.exec(stderr)?.[0] ?? stderr };
}

/** Waits until a process uses no processor time any more: everything that it does waits for the drive. */
async function untilIdle(pid: number): Promise<void> {
  const used = () => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(13, 15).join(' ');
    } catch {
      return '';
    }
  };
  for (let before = 'unknown'; before !== used(); ) {
    before = used();
    await new Promise(resolve => setTimeout(resolve, 500));
  }
}

/** Groups of places, each with its name for the test. */
function inGroups(places: readonly Place[]): [string, readonly Place[]][] {
  const size = 6;
  const starts = Array.from({ length: Math.ceil(places.length / size) }, (_, index) => index * size);
  return starts.map(start => {
    const group = places.slice(start, start + size);
    return [group.map(({ where }) => where).join(', '), group];
  });
}

withDrive('a dead drive', () => {
  test.each(inGroups(PLACES))(
    'keeps no command from being interrupted: %s',
    async (_, places) => {
      // Side by side: each of them only waits.
      const ends = await Promise.all(
        places.map((place, index) => interrupted(place, index % 2 ? 'SIGINT' : 'SIGTERM')),
      );
      expect(ends).toEqual(
        places.map(({ where }, index) =>
          index % 2
            ? { where, code: 130, says: 'interrupted by SIGINT' }
            : { where, code: 143, says: 'interrupted by SIGTERM' },
        ),
      );
    },
    2 * LIMIT_MS,
  );

  test(
    'at the state folder makes the doctor say so, and end',
    async () => {
      const desk = openDesk(sandbox);
      await using _dead = await deadDrive(desk.stateDir);
      const run = desk.start(['doctor']);
      const limit = setTimeout(() => run.kill('SIGKILL'), LIMIT_MS);
      const { code, stdout } = await run.result;
      clearTimeout(limit);
      expect(code).toBe(4);
      expect(stdout).toMatch(/state folder/);
    },
    2 * LIMIT_MS,
  );
});
