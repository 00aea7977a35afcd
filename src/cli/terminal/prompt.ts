import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Invocation } from '../program/command.ts';

/** Asks a person, one line at a time. */
export interface Prompt {
  /** Asks until `flawOf` finds nothing wrong. An empty answer is `otherwise`, or undefined where there is none. */
  ask(question: string, options?: AskOptions): Promise<string | undefined>;
  close(): void;
}

export interface AskOptions {
  otherwise?: string | undefined;
  /** The answer is not shown while it is typed. */
  hidden?: boolean;
  flawOf?: (answer: string) => string | undefined;
}

/** True where there is a person to ask. */
export function canAsk({ stdin, stderr }: Invocation['terminal']): boolean {
  return Boolean(stdin.isTTY && stderr.isTTY);
}

/** Opens it; questions go to stderr. Every method throws the signal's reason once it aborts. */
export function openPrompt({ terminal, signal }: Pick<Invocation, 'terminal' | 'signal'>): Prompt {
  const { stdin, stderr } = terminal;
  let muted = false;
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!muted) stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: stdin, output, terminal: true, historySize: 0 });
  // Where readline breaks a long line; without it the cursor goes astray.
  Object.defineProperty(output, 'columns', { get: terminal.columns });
  // readline takes Ctrl-C for itself; the end of the input (Ctrl-D) leaves the question open for ever.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  let ended = false;
  const closed = new Promise<string>(resolve => {
    lines.once('close', () => {
      ended = true;
      resolve('');
    });
  });

  const askOnce = async (text: string, hidden: boolean) => {
    if (ended) return '';
    try {
      if (hidden) {
        // readline draws the line it edits, question and all: it gets none, and nothing of it is shown.
        stderr.write(text);
        muted = true;
        return await Promise.race([lines.question('', { signal }), closed]);
      }
      return await Promise.race([lines.question(text, { signal }), closed]);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      muted = false;
      if (hidden) stderr.write('\n');
    }
  };

  return {
    async ask(question, { otherwise, hidden = false, flawOf = () => undefined } = {}) {
      const text = `${question}${otherwise === undefined ? '' : ` [${otherwise}]`}: `;
      for (;;) {
        const answer = (await askOnce(text, hidden)).trim();
        if (answer === '') return otherwise;
        const flaw = flawOf(answer);
        if (flaw === undefined) return answer;
        stderr.write(`  ${flaw}\n`);
      }
    },
    close: () => lines.close(),
  };
}
