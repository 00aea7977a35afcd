import { spawn } from 'node:child_process';
import { afterAll } from '@jest/globals';
import { programCommand } from './built-program.ts';

/** The built program on a terminal of its own, and a person in front of it. */
export interface TerminalRun {
  /** Types once `text` is on the screen, after what was typed before. */
  type(keys: string, text: string): Promise<void>;
  /** Its exit status, and everything that came to the screen, escape sequences included. */
  readonly result: Promise<{ code: number | null; screen: string }>;
}

export const KEYS = { enter: '\r', ctrlC: '\u0003', ctrlD: '\u0004', ctrlZ: '\u001a' };

const running = new Set<ReturnType<typeof spawn>>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts the program on a pseudo-terminal of 80 columns, which util-linux' `script` makes. */
export function runInTerminal(
  args: readonly string[],
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
): TerminalRun {
  const words = [...programCommand, ...args];
  const line = words.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const child = spawn('script', ['-qefc', `stty cols 80 rows 24; exec ${line}`, '/dev/null'], {
    cwd,
    env: { PATH: process.env.PATH, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running.add(child);
  let screen = '';
  let seen = 0;
  let look = () => {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    look();
  });
  const result = new Promise<{ code: number | null; screen: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => {
      running.delete(child);
      look();
      resolve({ code, screen });
    });
  });
  return {
    result,
    type: (keys, text) =>
      new Promise((resolve, reject) => {
        look = () => {
          const at = screen.indexOf(text, seen);
          if (at === -1) {
            if (!running.has(child)) reject(new Error(`never shown: ${text}, but: ${screen}`));
            return;
          }
          seen = at + text.length;
          look = () => {};
          child.stdin.write(keys);
          resolve();
        };
        look();
      }),
  };
}
