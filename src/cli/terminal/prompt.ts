import { once } from 'node:events';
import { printable } from '../../core/text.ts';
import type { Invocation } from '../program/command.ts';

/** Where a person is asked, and what ends the asking. */
export type Person = Pick<Invocation, 'terminal' | 'signal'>;

export interface AskOptions {
  /** What an empty answer stands for. */
  otherwise?: string | undefined;
  /** The answer is not shown while it is typed. */
  hidden?: boolean;
  /** What is wrong with an answer; undefined: nothing. */
  flawOf?: (answer: string) => string | undefined;
}

/** True where there is a person to ask. */
export function canAsk({ stdin, stderr }: Invocation['terminal']): boolean {
  return Boolean(stdin.isTTY && stderr.isTTY);
}

/**
 * Asks for a line of text, again until `flawOf` finds nothing wrong. Questions go to stderr.
 * @returns the answer without the white space around it; `otherwise` if it is empty, as Ctrl-D and the end of the input are
 * @throws the signal's reason once it aborts
 */
export async function ask(question: string, options: AskOptions, person: Person): Promise<string | undefined> {
  const { otherwise, hidden = false, flawOf = () => undefined } = options;
  const { input, password } = await import('./inquirer.ts');
  const theme = themeFor(person);
  for (;;) {
    const answer = await answerTo(person, context =>
      hidden
        ? password({ message: question, toggleMask: false, theme }, context)
        : input({ message: question, default: otherwise, theme }, context),
    );
    const text = answer?.trim() ?? '';
    if (text === '') return otherwise;
    const flaw = flawOf(text);
    if (flaw === undefined) return text;
    person.terminal.err(`  ${printable(flaw)}`);
  }
}

/**
 * Asks a yes-or-no question. An empty answer means no, and so do Ctrl-D and the end of the input.
 * @throws the signal's reason once it aborts
 */
export async function askYes(question: string, person: Person): Promise<boolean> {
  const { confirm } = await import('./inquirer.ts');
  const theme = themeFor(person);
  return (await answerTo(person, context => confirm({ message: question, default: false, theme }, context))) ?? false;
}

interface Context {
  input: NodeJS.ReadStream;
  output: NodeJS.WriteStream;
  signal: AbortSignal;
}

/** Runs one prompt. Undefined: Ctrl-D, or the input has ended. */
async function answerTo<T>(
  { terminal: { stdin, stderr }, signal }: Person,
  prompt: (context: Context) => Promise<T>,
): Promise<T | undefined> {
  if (stdin.readableEnded) return undefined;
  // readline pauses the input at Ctrl-D and at its end, and the library waits on.
  const ended = new AbortController();
  const end = () => ended.abort();
  // After Ctrl-Z and `fg` readline pauses it as well: that is not the end, and somebody has to resume it.
  let isContinued = false;
  const onContinue = () => {
    isContinued = true;
    setImmediate(() => {
      isContinued = false;
      stdin.resume();
    });
  };
  const onPause = () => {
    if (!isContinued) end();
  };
  try {
    const answer = prompt({ input: stdin, output: stderr, signal: AbortSignal.any([signal, ended.signal]) });
    stdin.on('pause', onPause).once('end', end).once('close', end);
    process.on('SIGCONT', onContinue);
    return await answer;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // First: every prompt that ends pauses the input, too.
    if ((error as Error).name === 'ExitPromptError') return await interrupted(signal);
    if (ended.signal.aborted) return undefined;
    throw error;
  } finally {
    stdin.off('pause', onPause).off('end', end).off('close', end);
    process.off('SIGCONT', onContinue);
  }
}

/** readline keeps Ctrl-C to itself: the process gets the signal after all, and ends as it does everywhere else. */
async function interrupted(signal: AbortSignal): Promise<never> {
  // Nothing else keeps the process alive until the signal comes in.
  const alive = setInterval(() => {}, 1000);
  try {
    const aborted = signal.aborted ? undefined : once(signal, 'abort');
    process.kill(process.pid, 'SIGINT');
    await aborted;
    throw signal.reason;
  } finally {
    clearInterval(alive);
  }
}

/** The library's own colours depend on the process's stdout alone, and do not know `--no-color`. */
function themeFor({ terminal }: Person) {
  const paint = terminal.paint.err;
  return {
    prefix: { idle: paint.blue('?'), done: paint.green('✔') },
    style: {
      message: (text: string) => text,
      answer: (text: string) => paint.cyan(text),
      error: (text: string) => paint.red(text),
      defaultAnswer: (text: string) => paint.dim(`[${text}]`),
      help: (text: string) => paint.dim(text),
      maskedText: '',
    },
  };
}
