import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Place } from './cables.ts';

/** A recorder: a place in the network, a state folder, a folder of recordings, and a worker. */
export interface Machine {
  readonly name: string;
  readonly place: Place;
  readonly root: string;
  /** Starts `recordupload watch`, if it does not run. */
  start(): void;
  /** `kill -9` */
  kill(): Promise<void>;
  /** @returns all that its workers have printed, and the last one's exit status */
  stop(): Promise<{ code: number | null; said: string }>;
  /** What its own file has and the database does not. */
  spooled(): string[];
}

export interface MachineOptions {
  name: string;
  place: Place;
  /** For the state and recordings. */
  folder: string;
  main: string;
  env: NodeJS.ProcessEnv;
}

export function createMachine({ name, place, folder, main, env }: MachineOptions): Machine {
  const home = join(folder, `home of ${name}`);
  const root = join(folder, 'recordings', name);
  const stateDir = join(home, 'state');
  for (const dir of [home, root]) mkdirSync(dir, { recursive: true });
  let child: ChildProcess | undefined;
  let said = '';
  const end = async (signal: NodeJS.Signals) => {
    const ending = child;
    child = undefined;
    if (!ending) return null;
    if (ending.exitCode === null && ending.signalCode === null) {
      const closed = once(ending, 'close');
      ending.kill(signal);
      await closed;
    }
    return ending.exitCode;
  };
  return {
    name,
    place,
    root,
    start() {
      if (child && child.exitCode === null && child.signalCode === null) return;
      const [program = '', ...args] = [...place.prefix, process.execPath, main, 'watch', '--progress', 'plain', root];
      child = spawn(program, args, {
        cwd: home,
        env: {
          PATH: process.env.PATH,
          HOME: home,
          RECORDUPLOAD_STATE_DIR: stateDir,
          RECORDUPLOAD_MACHINE: name,
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr])
        stream?.setEncoding('utf8').on('data', text => {
          said += text;
        });
    },
    async kill() {
      await end('SIGKILL');
    },
    async stop() {
      const code = await end('SIGTERM');
      writeFileSync(join(folder, `said by ${name}`), said);
      return { code, said };
    },
    spooled() {
      const sql = new DatabaseSync(join(stateDir, 'state.db'), { readOnly: true });
      try {
        return [
          ...sql.prepare("SELECT 'recording ' || recording_id AS what FROM spooled WHERE is_ahead = 1").all(),
          ...sql.prepare("SELECT 'webhook ' || webhook_id AS what FROM deliveries").all(),
        ].map(({ what }) => String(what));
      } finally {
        sql.close();
      }
    },
  };
}
