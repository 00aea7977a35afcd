import { PassThrough } from 'node:stream';
import { Chalk } from 'chalk';
import type { Invocation } from '../../src/cli/program/command.ts';

/** A terminal without a process: what commands print into it, and a person who types. */
export interface FakeTerminal {
  terminal: Invocation['terminal'];
  /** Everything on stdout and stderr. */
  out(): string;
  err(): string;
  /** Types the answer once `question` was asked. */
  answer(question: string, answer: string): Promise<void>;
  /** Ends the input. */
  end(text?: string): void;
}

/** @param isTTY whether there is a person */
export function fakeTerminal({
  cwd,
  env = {},
  isTTY = true,
}: {
  cwd: string;
  env?: NodeJS.ProcessEnv;
  isTTY?: boolean;
}): FakeTerminal {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  // `_isStdio` is what the process's own has: who pipes into it does not end it.
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 80, _isStdio: true });
  const plain = new Chalk({ level: 0 });
  let out = '';
  let err = '';
  stderr.on('data', chunk => {
    err += String(chunk);
  });
  return {
    terminal: {
      out: text => {
        out += `${text}\n`;
      },
      document: text => {
        out += `${text}\n`;
      },
      err: text => {
        stderr.write(`${text}\n`);
      },
      live: false,
      paint: { out: plain, err: plain },
      columns: () => 80,
      stdin: stdin as unknown as NodeJS.ReadStream,
      stderr: stderr as unknown as NodeJS.WriteStream,
      env,
      cwd,
    },
    out: () => out,
    err: () => err,
    async answer(question, answer) {
      while (!err.includes(question)) await new Promise(resolve => setTimeout(resolve, 2));
      stdin.write(`${answer}\r`);
    },
    end: text => {
      stdin.end(text);
    },
  };
}
