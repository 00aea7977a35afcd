import { KEYS, variablesOf } from '../../config/keys.ts';
import { EXIT, EXIT_MEANINGS } from '../exit-codes.ts';
import { GROUPS } from './command.ts';
import type { CommandSpec } from './command-spec.ts';
import { FIRST_STEPS, PURPOSE } from './program.ts';

/** The manual page recordupload(1), in roff's man macros, made from the same descriptions as the help. */
export function manPage(commands: readonly CommandSpec[], version: string): string {
  return [
    `.TH RECORDUPLOAD 1 "" "recordupload ${version}" "User Commands"`,
    '.SH NAME',
    `recordupload \\- ${text(lowerFirst(PURPOSE.replace(/\.$/, '')))}`,
    '.SH SYNOPSIS',
    '.B recordupload',
    '.I command',
    '.RI [ arguments ]',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    text(PURPOSE),
    'After an interruption, a crash or a network failure, run the same command again to finish the work, or run',
    '.BR "recordupload retry" .',
    '.SH EXAMPLES',
    ...FIRST_STEPS.flatMap(example),
    '.SH COMMANDS',
    ...commands.flatMap(commandSection),
    '.SH GLOBAL OPTIONS',
    ...tagged('-h, --help', 'print help, at every level'),
    ...tagged('-V, --version', 'print the version'),
    ...tagged('--no-color', 'no colours'),
    '.SH EXIT STATUS',
    ...(Object.keys(EXIT) as (keyof typeof EXIT)[]).flatMap(name => tagged(String(EXIT[name]), EXIT_MEANINGS[name])),
    '.SH ENVIRONMENT',
    ...KEYS.flatMap(key => tagged(variablesOf(key).join(', '), `the configuration key ${key.path}`)),
    ...tagged('NO_COLOR', 'no colours'),
    '.SH FILES',
    ...tagged('.recorduploadrc, .recorduploadrc.{json,yaml,yml}, .env', 'configuration in the working directory'),
    ...tagged('~/.config/recordupload/config.{yaml,yml,json}', 'your own configuration'),
    ...tagged('~/.local/state/recordupload', 'unfinished uploads, stored webhooks, the log; keep this folder'),
    'To see which of them are used, run',
    '.BR "recordupload config path" .',
    '.SH SEE ALSO',
    '.BR "recordupload help" ;',
    '.I .recorduploadrc.example',
    'explains every key of the configuration.',
  ].join('\n');
}

function commandSection(spec: CommandSpec, index: number, all: readonly CommandSpec[]): string[] {
  const { name, summary, args, options, examples, exits } = spec;
  const [group = '', inGroup] = name.split(' ');
  const isFirst = inGroup !== undefined && all.findIndex(one => one.name.startsWith(`${group} `)) === index;
  return [
    ...(isFirst ? [`.SS recordupload ${group}`, text(upperFirst(`${GROUPS[group] ?? group}.`))] : []),
    `.SS ${text(['recordupload', name, ...args.map(arg => arg.name), '[options]'].join(' '))}`,
    text(upperFirst(`${summary}.`)),
    ...args.flatMap(arg => tagged(arg.name, arg.purpose)),
    ...options.flatMap(({ flags, purpose }) => tagged(flags, purpose)),
    ...examples.flatMap(example),
    '.PP',
    text(`Exit status: ${['done' as const, 'bug' as const, ...exits].map(exit => EXIT[exit]).join(', ')}.`),
  ];
}

function example({ does, line }: CommandSpec['examples'][number]): string[] {
  return ['.PP', text(upperFirst(`${does}:`)), '.PP', '.RS 4', '.EX', text(line), '.EE', '.RE'];
}

function tagged(tag: string, purpose: string): string[] {
  return ['.TP', `.B ${text(tag)}`, text(purpose)];
}

function upperFirst(words: string): string {
  return `${words[0]?.toUpperCase() ?? ''}${words.slice(1)}`;
}

function lowerFirst(words: string): string {
  return `${words[0]?.toLowerCase() ?? ''}${words.slice(1)}`;
}

/** Escapes text for roff, so that nothing in it is a request or an escape and examples can be copied. */
function text(words: string): string {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('"', '\\(dq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...')
    .replace(/^\./, '\\&.');
}
