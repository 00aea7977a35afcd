import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk } from '../support/desk.ts';
import { fixture, freshId, makeRecording } from '../support/make-recording.ts';
import type { CliOptions, RunningCli } from '../support/run-cli.ts';

/** A worker under way, and the folder that it watches. */
export interface Watching extends RunningCli {
  desk: Desk;
  root: string;
  /** Ends it and returns all that it printed. */
  stop(): Promise<string>;
}

const running: RunningCli[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) {
    one.kill('SIGKILL');
    await one.result;
  }
});

/** Fast rules: tests would wait for nothing but these times. */
export const QUICK = { RECORDUPLOAD_SETTLE: '0.1s', RECORDUPLOAD_WATCH_QUIET: '2s' };

/** Starts `recordupload watch` on a folder of a new desk, and waits until it watches. */
export async function startWorker(
  sandbox: Sandbox,
  {
    env = {},
    args,
    inotify,
    desk = openDesk(sandbox, { ...QUICK, ...env }),
  }: { env?: NodeJS.ProcessEnv; args?: string[]; desk?: Desk; inotify?: CliOptions['inotify'] } = {},
): Promise<Watching> {
  const root = join(desk.cwd, 'recordings');
  mkdirSync(root, { recursive: true });
  const run = desk.start(['watch', ...(args ?? [root])], { inotify });
  running.push(run);
  await run.prints('watching');
  return {
    ...run,
    desk,
    root,
    async stop() {
      run.kill('SIGTERM');
      const { stderr } = await run.result;
      return stderr;
    },
  };
}

/** Puts a finished recording below a folder in one step, as a program does that moves it there. */
export function moveIn(root: string, { name = freshId(), ...rest }: Parameters<typeof makeRecording>[0] = {}): string {
  const dir = join(root, name);
  renameSync(makeRecording({ name, ...rest }), dir);
  return dir;
}

/** A recorder in this process: it holds its video open for writing until it is closed. */
export function openRecorder(dir: string, name = 'video.mkv'): { write(bytes: Buffer | string): void; close(): void } {
  mkdirSync(dir, { recursive: true });
  const fd = openSync(join(dir, name), 'a');
  return {
    write: bytes => {
      writeSync(fd, bytes as string);
    },
    close: () => closeSync(fd),
  };
}

export const VIDEO = fixture('recordings/3/video.mkv');

/** Waits until something is so. @throws Error that names it, if it never is */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    if (tries > 1_000) throw new Error(`never happened: ${what}`);
    await sleep(20);
  }
}
