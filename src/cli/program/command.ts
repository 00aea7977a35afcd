import type { EXIT, ExitCode } from '../exit-codes.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** What the program knows of a command without loading it. */
export interface CommandSpec {
  /** `upload`, `webhook send`. */
  name: string;
  summary: string;
  /** Positional arguments in commander's notation. */
  args: readonly { name: string; purpose: string }[];
  options: readonly OptionSpec[];
  /** Commands with what they do; numbered in the help. */
  examples: readonly { does: string; line: string }[];
  /** The exit statuses that it can end with, beside 0 and 1. */
  exits: readonly (keyof typeof EXIT)[];
  load(): Promise<{ run: RunCommand }>;
}

/** An option in commander's notation: `--title <text>`. */
export interface OptionSpec {
  flags: string;
  purpose: string;
  /** The only values that it takes. */
  choices?: readonly string[];
}

/** What commands with a common first word have in common. */
export const GROUPS: Readonly<Record<string, string>> = {
  webhook: 'send, test and look after webhooks',
  config: 'show, check and write the configuration',
};

export type RunCommand = (invocation: Invocation) => Promise<ExitCode>;

/** One call of a command. */
export interface Invocation {
  command: string;
  args: readonly string[];
  options: Readonly<Record<string, unknown>>;
  terminal: Terminal;
  /** All that there are, for what tells about them. */
  commands: readonly CommandSpec[];
  /** Aborts with an `AppError` `INTERRUPTED` on the first Ctrl-C or SIGTERM. */
  signal: AbortSignal;
}

export const CONFIG_OPTION: OptionSpec = {
  flags: '--config <file>',
  purpose: 'read this configuration file in place of the one found here',
};

/** Options that every command with a configuration has. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  CONFIG_OPTION,
  { flags: '--json', purpose: 'print the result as one JSON document' },
  { flags: '--quiet', purpose: 'print nothing on success' },
];

/** How work that takes its time is shown. */
export const PROGRESS_OPTIONS: readonly OptionSpec[] = [
  { flags: '--verbose', purpose: 'also show each request: to what, how it ended, how long it took' },
  {
    flags: '--progress <how>',
    purpose: 'json: a line of JSON for each event on stderr; plain: lines that are not redrawn',
    choices: ['json', 'plain'],
  },
];

export const SANDBOX_OPTION: OptionSpec = {
  flags: '--sandbox',
  purpose: 'try it on an embedded S3 and recordings server that live as long as the command',
};

/** What is told of a recording on the command line. */
export const RECORDING_OPTIONS: readonly OptionSpec[] = [
  { flags: '--title <text>', purpose: "the recording's title" },
  { flags: '--email <address>', purpose: "the user's e-mail address, exactly as the server knows it" },
  { flags: '--username <name>', purpose: "the user's name" },
  { flags: '--created-at <time>', purpose: 'when it began: 2025-10-25 01:55:59 (UTC) or with a zone' },
  { flags: '--duration <time>', purpose: 'how long it is: seconds or HH:MM:SS' },
];

/** An option's text, where it was given. */
export function textOption(options: Invocation['options'], name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}
