import { chmodSync } from 'node:fs';
import { expect } from '@jest/globals';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import type { ExitCode } from '../../src/cli/exit-codes.ts';
import { errorText, exitCodeOfError, reportFailure } from '../../src/cli/failure.ts';
import { parseCommandLine } from '../../src/cli/program/program.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk } from '../support/desk.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

/** How somebody meets an error: what it says, what to do, the exit status, and a command that ends with it. */
export interface Meeting {
  /** "…" stands for what differs. */
  says: string;
  /** What to do next, in brackets behind it; undefined where the message says that itself. */
  hint?: string | undefined;
  exit: ExitCode;
  /** The command line, once all that it needs is in place. */
  meet(desk: Desk, sandbox: Sandbox): readonly string[] | Promise<readonly string[]>;
  env?: NodeJS.ProcessEnv;
  /** Run by the built program, as a user who may not read everything. */
  asNobody?: boolean;
}

/** The same for what no command can be brought to on every machine: the error is made where the program makes it. */
export interface Made extends Pick<Meeting, 'says' | 'hint' | 'exit'> {
  make(): unknown;
}

/** What was printed, and the exit status. */
export interface Met {
  text: string;
  exit: ExitCode;
}

/**
 * Runs a command line as `cli/run.ts` does, in this process: there are more of them than there is time for processes.
 * The same errors from the built program are in `test/e2e`.
 */
export async function meet({ meet: prepare, env, asNobody }: Meeting, sandbox: Sandbox): Promise<Met> {
  const desk = openDesk(sandbox, env);
  const argv = await prepare(desk, sandbox);
  if (asNobody) {
    chmodSync(desk.home, 0o777);
    const user = process.getuid?.() === 0 ? { user: 65_534 } : {};
    const { code, stdout, stderr } = await desk.run(argv, user);
    return { text: stdout + stderr, exit: code as ExitCode };
  }
  const { terminal, out, err } = fakeTerminal({ cwd: desk.cwd, env: desk.env, isTTY: false });
  const exit = await runHere(argv, terminal);
  return { text: out() + err(), exit };
}

async function runHere(argv: readonly string[], terminal: ReturnType<typeof fakeTerminal>['terminal']) {
  try {
    const parsed = parseCommandLine(argv, COMMANDS);
    if (typeof parsed === 'number') return parsed;
    const { spec, args, options } = parsed;
    const { run } = await spec.load();
    const signal = new AbortController().signal;
    return await run({ command: spec.name, args, options, terminal, commands: COMMANDS, signal });
  } catch (error) {
    return reportFailure(error, terminal, { json: false, command: 'test' });
  }
}

/** What the program would print for an error that is made by hand. */
export async function made({ make }: Made): Promise<Met> {
  const error = await thrownBy(make);
  if (!(error instanceof AppError)) throw new Error(`no error for people: ${error}`);
  return { text: errorText(error), exit: exitCodeOfError(error) };
}

async function thrownBy(make: () => unknown): Promise<unknown> {
  try {
    return await make();
  } catch (error) {
    return error;
  }
}

/** One line with the message and, in brackets, the hint; and nothing of a bug. */
export function expectMet({ text, exit }: Met, expected: Pick<Meeting, 'says' | 'hint' | 'exit'>): void {
  const { says, hint } = expected;
  const line = hint === undefined ? says : `${says} (${hint})`;
  const pattern = line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.*');
  expect(text).toMatch(new RegExp(`(?:^|[ :;])${pattern}(?:$|;| \\(|\\))`, 'm'));
  expect(text).not.toContain('bug in recordupload');
  expect(exit).toBe(expected.exit);
}
