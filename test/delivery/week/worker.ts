import { readdirSync, readFileSync } from 'node:fs';
import { type Run, start } from '../campaign/stage.ts';

/** How much of the machine a worker uses at one moment. */
export interface Sample {
  /** Which of the workers, counting from 1. */
  life: number;
  rssMib: number;
  openFiles: number;
}

/** The worker of a machine; another one takes its place when it ends. */
export interface Worker {
  readonly pid: number;
  /** Ends it as a service manager does. @returns its exit status */
  restart(): Promise<number | null>;
  /** Ends it with `kill -9`. */
  kill(): Promise<void>;
  /** Has it read its configuration again, once it listens to that signal. */
  hangUp(): Promise<void>;
  /** @returns undefined while there is none */
  sample(): Sample | undefined;
  /** @returns all that the workers have printed, and the last one's exit status */
  stop(): Promise<{ code: number | null; said: string }>;
}

export function startWorker(args: readonly string[], env: NodeJS.ProcessEnv): Worker {
  let life = 0;
  let said = '';
  let run: Run;
  let watches: Promise<unknown>;
  const begin = () => {
    run = start(['watch', ...args], env);
    life++;
    const { child } = run;
    watches = new Promise<void>(resolve => {
      child.stderr?.on('data', text => String(text).includes('watching') && resolve());
      child.once('close', () => resolve());
    });
  };
  const end = async (signal: NodeJS.Signals) => {
    run.child.kill(signal);
    const { code, stderr } = await run.result;
    said += stderr;
    return code;
  };
  begin();
  return {
    get pid() {
      return run.child.pid as number;
    },
    async restart() {
      // Before it has begun, the signal ends it as any program.
      await watches;
      const code = await end('SIGTERM');
      begin();
      return code;
    },
    async kill() {
      await end('SIGKILL');
      begin();
    },
    async hangUp() {
      await watches;
      run.child.kill('SIGHUP');
    },
    sample() {
      try {
        const proc = `/proc/${run.child.pid}`;
        const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`${proc}/status`, 'latin1')) ?? [];
        if (kib === undefined) return undefined;
        return { life, rssMib: Number(kib) / 1024, openFiles: readdirSync(`${proc}/fd`).length };
      } catch {
        return undefined;
      }
    },
    async stop() {
      const code = await end('SIGTERM');
      return { code, said };
    },
  };
}
