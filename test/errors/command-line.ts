import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { queue } from '../delivery/support.ts';
import type { Desk } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import type { Meeting } from './meeting.ts';

const exit = EXIT.usage;
/** Always the same words. */
const typed = (says: string, hint: string | undefined, ...argv: string[]): Meeting => ({
  says,
  hint,
  exit,
  meet: () => argv,
});
const LOOK_FOR_998 =
  'to check the bucket: recordupload verify 998; recordupload list shows what was uploaded from here';
const withFile = (name: string, text: string, line: (file: string) => string[]) => (desk: Desk) => {
  const file = join(desk.home, name);
  writeFileSync(file, text, { mode: 0o600 });
  return line(file);
};
const noRecording =
  (...options: string[]) =>
  () => ['upload', makeRecording(), ...options];

export const COMMAND_LINE: readonly Meeting[] = [
  typed("unknown command 'uplaod'", 'did you mean recordupload upload?', 'uplaod', 'x'),
  typed("unknown command 'xyzzy'", 'see recordupload --help', 'xyzzy'),
  typed("missing required argument 'dir'", 'see recordupload upload --help', 'upload'),
  typed("unknown option '--brief'", 'see recordupload upload --help', 'upload', 'x', '--brief'),
  typed(
    '--bucket does not go with --sandbox, which brings its own servers',
    'leave out --bucket or --sandbox',
    ...['upload', 'x', '--sandbox', '--bucket', 'recordings'],
  ),
  typed('--yes does not go with --dry-run', 'leave out one of them', 'cleanup', '--yes', '--dry-run'),
  typed(
    '--elsewhere does not go with "cleanup state"',
    'it is about abandoned uploads: recordupload cleanup uploads --elsewhere',
    ...['cleanup', 'state', '--elsewhere'],
  ),
  typed('a root is missing: its path is an empty text', 'name the folder; is a variable unset?', 'watch', ''),
  typed("unknown option '--idd'", 'did you mean --id?', 'upload', 'x', '--idd', '3'),
  typed("option '--title <text>' argument missing", 'see recordupload upload --help', 'upload', 'x', '--title'),
  typed(
    "option '--progress <how>' argument 'x' is invalid. Allowed choices are json, plain.",
    'see recordupload retry --help',
    ...['retry', '--progress', 'x'],
  ),
  typed(
    "too many arguments for 'status'. Expected 1 argument but got 2: 3, 4.",
    'see recordupload status --help',
    'status',
    '3',
    '4',
  ),
  typed('there is no completion for "tcsh"', 'one of bash, zsh, fish, powershell', 'completion', 'tcsh'),
  typed('there is no endpoint "x"', 'configured: default', 'retry', '--endpoint', 'x'),
  typed('--id goes with one folder only', 'upload the folders one by one', 'upload', 'x', 'y', '--id', '3'),
  typed('--bwlimit: expected a rate such as 10M…', undefined, 'upload', 'x', '--bwlimit', 'fast'),
  typed('--concurrency: expected a whole number, got "many"', undefined, 'upload', 'x', '--concurrency', 'many'),

  typed(
    '--bucket cannot be used with --detach: another process uploads, with its configuration',
    'leave one of them out',
    ...['upload', 'x', '--detach', '--bucket', 'recordings'],
  ),
  typed('--watch cannot be used with --json', 'leave one of them out', 'status', '--watch', '--json'),
  typed('--watch cannot be used with --quiet', 'leave one of them out', 'status', '--watch', '--quiet'),
  typed('--watch shows everything, not one recording', 'leave the ID out', 'status', '3', '--watch'),
  typed('--limit: "x" is not a number', 'for example --limit 100', 'status', '--limit', 'x'),
  typed('--max-age: "x" is not a duration', 'write it as 90d, 12h or 30m', 'status', '--max-age', 'x'),
  typed('recording 998 is not known on this machine', LOOK_FOR_998, 'status', '998'),
  typed(
    'id: "a/b" is not a valid recording ID',
    'use 1 to 64 letters, digits, ".", "_" or "-", for example --id 42',
    ...['status', 'a/b'],
  ),
  typed('--level: "x" is not a level', 'use debug, info, warn, error', 'logs', '--level', 'x'),
  typed('--lines: "x" is not a number', 'for example --lines 100', 'logs', '--lines', 'x'),

  typed('--since is missing: where does the period start?', 'such as --since 2h', 'webhook', 'replay'),
  typed(
    '--since is not before --until',
    'such as --since 2d --until 1d',
    ...['webhook', 'replay', '--since', '1d', '--until', '2d'],
  ),
  typed(
    '--since: "x" is not a time',
    'write it as 2h or 3d (ago), 2026-01-31, or 2026-01-31T14:00 (local time, unless it ends with Z or a zone)',
    ...['webhook', 'replay', '--since', 'x'],
  ),
  {
    says: 'sending 1 webhook again without a terminal needs --yes',
    hint: 'look first with --dry-run',
    exit,
    meet: async desk => {
      await queue(desk.stateDir, ['3']);
      await desk.run(['retry']);
      return ['webhook', 'replay', '--since', '1d'];
    },
  },
  typed('there is no endpoint "x"', 'known: default', 'webhook', 'enable', 'x'),
  {
    says: 'no endpoint is switched on in the configuration',
    hint: 'name one with --endpoint',
    exit,
    env: { RECORDUPLOAD_WEBHOOK_ENABLED: 'false' },
    meet: () => ['webhook', 'test'],
  },
  {
    says: 'no e-mail address for the test payload',
    hint: 'give --email, or set user.email (RECORDUPLOAD_USER_EMAIL)',
    exit,
    env: { RECORDUPLOAD_USER_EMAIL: undefined },
    meet: () => ['webhook', 'test'],
  },

  ...[
    ['--title', '', 'a title'],
    ['--username', '', 'a user name'],
    ['--email', 'ada', 'an e-mail address'],
    ['--created-at', 'x', 'a date and time; write it as 2025-10-25 01:55:59…'],
    ['--duration', '-5', 'a number of whole seconds, nor HH:MM:SS'],
  ].map(
    ([option = '', value = '', expected]): Meeting => ({
      says: `${option}: ${JSON.stringify(value)} is not ${expected}`,
      hint: 'correct it; recordupload upload --help shows the options',
      exit,
      meet: noRecording(option, value),
    }),
  ),
  typed('the folder is missing: its path is an empty text', 'name the folder; is a variable unset?', 'upload', ''),

  typed(
    'config init needs options if there is no terminal to ask on',
    'see recordupload config init --help',
    ...['config', 'init', '--here'],
  ),
  typed(
    '--email: expected an e-mail address, got "ada"',
    'see recordupload config init --help',
    'config',
    'init',
    '--email',
    'ada',
  ),
  typed('--here and --user are two different folders', 'leave one of them out', 'config', 'init', '--here', '--user'),
  typed(
    'only one secret can come from standard input',
    'put the others into files',
    ...['config', 'init', '--here', '--token-file', '-', '--access-key-id-file', '-'],
  ),
  typed(
    '--token-file: …/nowhere does not exist',
    'name a file that contains the secret, or "-" for standard input',
    ...['config', 'init', '--here', '--token-file', 'nowhere'],
  ),
  {
    says: '--token-file: … contains white space (the value is not shown)',
    hint: 'the file must contain the secret and nothing else',
    exit,
    meet: withFile('token', 'two words', file => ['config', 'init', '--here', '--token-file', file]),
  },
  {
    says: '….recorduploadrc exists and is not replaced',
    hint: 'replace it with --force',
    exit,
    meet: desk => {
      writeFileSync(join(desk.cwd, '.recorduploadrc'), '{}', { mode: 0o600 });
      return ['config', 'init', '--here', '--email', 'ada@example.com'];
    },
  },
  {
    says: 'the configuration cannot be written: …',
    hint: 'check that folder, or write into the working folder with --here',
    exit,
    env: { HOME: '/dev/null' },
    meet: () => ['config', 'init', '--user', '--email', 'ada@example.com'],
  },
  {
    says: 'the sandbox cannot start: /proc/self/box: its folder cannot be created',
    hint: 'choose other ports or another folder',
    exit,
    meet: () => ['sandbox', '--data', '/proc/self/box'],
  },

  typed('--s3-port: "70000" is not a port', 'use a number from 1 to 65535', 'sandbox', '--s3-port', '70000'),
  typed('--rate-limit: "x" is not a rate', 'such as 10/s or 100/m', 'sandbox', '--rate-limit', 'x'),
  typed('--allow-ip: …', 'such as 127.0.0.1, 10.0.0.0/8, ::1', 'sandbox', '--allow-ip', 'x'),
  {
    says: 'the sandbox cannot start: …',
    hint: 'choose other ports or another folder',
    exit,
    meet: async () => {
      const taken = createServer().unref();
      await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve));
      return ['sandbox', '--s3-port', String((taken.address() as AddressInfo).port)];
    },
  },
  typed(
    '--webhook-secret-file: nowhere cannot be read (ENOENT)',
    'name a file that you may read',
    ...['sandbox', '--webhook-secret-file', 'nowhere'],
  ),
  ...[
    ['', '… is empty', 'one whsec_… secret per line'],
    [
      'x',
      '…: not a valid signing secret; expected "whsec_" followed by base64',
      'copy it exactly as the receiver shows it',
    ],
    [
      'whsec_AAAA',
      '…: a signing secret has 24 to 64 bytes, this one has 3',
      'make one with: echo "whsec_$(openssl rand -base64 32)"',
    ],
  ].map(
    ([text = '', says, hint]): Meeting => ({
      says: `--webhook-secret-file: ${says}`,
      hint,
      exit,
      meet: withFile('secrets', text, file => ['sandbox', '--webhook-secret-file', file]),
    }),
  ),
];
