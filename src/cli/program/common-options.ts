import { AppError } from '../../core/errors.ts';
import { parseDuration } from '../../core/units.ts';
import type { ArgSpec, OptionSpec } from './command-spec.ts';

/* Arguments and options that several commands have in common. */

export const CONFIG_OPTION = {
  flags: '--config <file>',
  purpose: 'read this configuration file instead of the one found here',
} as const satisfies OptionSpec;

export const JSON_OPTION = {
  flags: '--json',
  purpose: 'print the result as one JSON document',
} as const satisfies OptionSpec;

export const MACHINE_OPTION = {
  flags: '--machine <name>',
  purpose: 'only this machine, where several share the state',
} as const satisfies OptionSpec;

/** Options that every command with a configuration has. */
export const COMMON_OPTIONS = [
  CONFIG_OPTION,
  JSON_OPTION,
  { flags: '-q, --quiet', purpose: 'print nothing on success' },
] as const satisfies readonly OptionSpec[];

/** How work that takes a while is shown. */
export const PROGRESS_OPTIONS = [
  { flags: '-v, --verbose', purpose: 'also show each request: its target, its result, its duration' },
  {
    flags: '--progress <how>',
    purpose: 'json: one line of JSON per event on stderr; plain: lines that are never redrawn',
    choices: ['json', 'plain'],
  },
] as const satisfies readonly OptionSpec[];

export const WEBHOOK_URL_OPTION = {
  flags: '--webhook-url <url>',
  purpose: 'address of the recordings server',
} as const satisfies OptionSpec;

/** Where recordings and webhooks go, for one run; these are configuration, too. */
export const TARGET_OPTIONS = [
  { flags: '--bucket <name>', purpose: 'the bucket' },
  { flags: '--endpoint-url <url>', purpose: 'address of the S3 service' },
  WEBHOOK_URL_OPTION,
] as const satisfies readonly OptionSpec[];

/** How much of the line uploads use; both are configuration, too. */
export const TRANSFER_OPTIONS = [
  { flags: '--bwlimit <rate>', purpose: 'limit in bytes per second: 10M, 512k, or "08:00,512k 19:00,off"' },
  { flags: '--concurrency <n>', purpose: 'number of parallel uploads (default: adjusted automatically)' },
] as const satisfies readonly OptionSpec[];

/** What to do while a recording is still being written. */
export const SETTLE_OPTIONS = [
  {
    flags: '--wait <time>',
    purpose: 'wait this long for a recording that is still being written (default: 10m)',
    parse: parseWait,
  },
  { flags: '--no-wait', purpose: 'refuse a recording that is still being written' },
  { flags: '--finished', purpose: 'the recorder has closed its files: do not look whether they are still written' },
] as const satisfies readonly OptionSpec[];

function parseWait(text: string, flag: string): number {
  const ms = text.trim() === '0' ? 0 : parseDuration(text);
  if (ms !== undefined) return ms;
  throw new AppError('USAGE', `${flag}: ${JSON.stringify(text)} is not a duration`, {
    hint: `for example ${flag} 10m`,
  });
}

export const SANDBOX_OPTION = {
  flags: '--sandbox',
  purpose: 'try it with a built-in S3 server and recordings server that end with the command',
} as const satisfies OptionSpec;

export const ENDPOINT_OPTION = {
  flags: '--endpoint <name>',
  purpose: 'only this webhook endpoint',
} as const satisfies OptionSpec;

/** What the command line says about a recording. */
export const RECORDING_OPTIONS = [
  { flags: '--title <text>', purpose: "the recording's title" },
  { flags: '--email <address>', purpose: "the user's e-mail address, exactly as the server knows it" },
  { flags: '--username <name>', purpose: "the user's name" },
  {
    flags: '--created-at <time>',
    purpose: 'when the recording started: 2025-10-25 01:55:59 (UTC), or with a time zone',
  },
  { flags: '--duration <time>', purpose: 'length of the recording: seconds or HH:MM:SS' },
] as const satisfies readonly OptionSpec[];

/** How an upload is asked for, now or by handing the folder over. */
export const HANDOVER_OPTIONS = [
  { flags: '--id <id>', purpose: "the recording's ID (default: the sidecar's, else the folder's name)" },
  ...RECORDING_OPTIONS,
  { flags: '--no-webhook', purpose: 'do not tell the recordings server' },
  { flags: '-f, --force', purpose: 'upload and send again what is already there' },
] as const satisfies readonly OptionSpec[];

export const ENDPOINT_ARGUMENT = {
  name: '<name>',
  purpose: 'the endpoint; "default" if only one is configured',
} as const satisfies ArgSpec;
