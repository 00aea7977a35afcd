import type { ExitCode } from '../exit-codes.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { ArgsOf, CommandSpec, OptionsOf } from './command-spec.ts';

/** A command: its description, and what runs it, loaded when it is called. */
export interface Command extends CommandSpec {
  load(): Promise<{ run: RunCommand }>;
}

export type RunCommand<Spec extends CommandSpec = CommandSpec> = (invocation: Invocation<Spec>) => Promise<ExitCode>;

/** One call of a command. */
export interface Invocation<Spec extends CommandSpec = CommandSpec> {
  command: string;
  /** As the description's `args` name them. */
  args: ArgsOf<Spec>;
  /** By name (`--max-age` is `maxAge`), as the description's `options` parse them. */
  options: OptionsOf<Spec>;
  terminal: Terminal;
  /** All that there are, for commands that describe them. */
  commands: readonly Command[];
  /** Aborts with an `InterruptedError` on the first Ctrl-C, SIGTERM or hang-up. */
  signal: AbortSignal;
}

/** Puts a description and the loader of its `run` together. */
export function defineCommand<Spec extends CommandSpec>(
  spec: Spec,
  load: () => Promise<{ run: RunCommand<Spec> }>,
): Command {
  // The parser fills in what the description says, so the types hold.
  return { ...spec, load: load as unknown as Command['load'] };
}

/** What the commands with a common first word are about. */
export const GROUPS: Readonly<Record<string, string>> = {
  webhook: 'send, test and manage webhooks',
  alerts: 'test that alerts reach those who are to get them',
  config: 'show, check and write the configuration',
  state: 'move the state into PostgreSQL, and make its tables there',
};
