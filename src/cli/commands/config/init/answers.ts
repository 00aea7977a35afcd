import { resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { checkData } from '../../../../config/problems.ts';
import { DEFAULTS } from '../../../../config/schema.ts';
import { flawOfToken } from '../../../../config/secret-text.ts';
import { nest } from '../../../../config/sources/nested.ts';
import { AppError, hasErrorCode } from '../../../../core/errors.ts';
import { readSmallFile, Unreadable } from '../../../../core/read-file.ts';
import type { Invocation } from '../../../program/command.ts';
import { ask, canAsk } from '../../../terminal/prompt.ts';
import type { configInitSpec } from './spec.ts';

type Call = Invocation<typeof configInitSpec>;
/** The names of the options that have a text. */
type TextOption = {
  [Name in keyof Call['options']]-?: NonNullable<Call['options'][Name]> extends string ? Name : never;
}[keyof Call['options']];

/** What goes into a new configuration. */
export interface ConfigAnswers {
  /** By key, in the order of the file; without secrets. */
  values: Map<string, string>;
  /** The secrets; each gets a file of its own. */
  secrets: Map<SecretName, string>;
}

export type SecretName = 'token' | 'accessKeyId' | 'secretAccessKey';

interface Question {
  option: TextOption;
  flag: string;
  key: string;
  question: string;
  otherwise?: string;
}

const QUESTIONS: readonly Question[] = [
  { option: 'endpoint', flag: '--endpoint', key: 'endpoint', question: 'URL of the S3 service (empty: the region’s)' },
  { option: 'region', flag: '--region', key: 'region', question: 'Region', otherwise: DEFAULTS.region },
  { option: 'bucket', flag: '--bucket', key: 'bucket', question: 'Bucket', otherwise: DEFAULTS.bucket },
  {
    option: 'awsProfile',
    flag: '--aws-profile',
    key: 'awsProfile',
    question: 'AWS profile with the keys (empty: none)',
  },
  { option: 'email', flag: '--email', key: 'user.email', question: 'Your e-mail address, as the server knows it' },
  {
    option: 'webhookUrl',
    flag: '--webhook-url',
    key: 'webhook.url',
    question: 'Webhook URL of the recordings server',
    otherwise: DEFAULTS.webhookUrl,
  },
];

const SECRETS: readonly { name: SecretName; option: TextOption; flag: string; question: string }[] = [
  { name: 'token', option: 'tokenFile', flag: '--token-file', question: 'Webhook token (not shown; empty: none)' },
  {
    name: 'accessKeyId',
    option: 'accessKeyIdFile',
    flag: '--access-key-id-file',
    question: 'Access key ID (not shown; empty: none)',
  },
  {
    name: 'secretAccessKey',
    option: 'secretAccessKeyFile',
    flag: '--secret-access-key-file',
    question: 'Secret access key (not shown; empty: none)',
  },
];

/**
 * The answers of the options; if there are none, those of a person.
 * @throws AppError `USAGE` if there is neither, or an option is wrong
 */
export async function collectAnswers(call: Call): Promise<ConfigAnswers> {
  const { options, terminal } = call;
  const given = [...QUESTIONS, ...SECRETS].some(({ option }) => options[option] !== undefined);
  if (given) return await fromFlags(call);
  if (canAsk(terminal)) return await fromPerson(call);
  throw new AppError('USAGE', 'config init needs options if there is no terminal to ask on', {
    hint: 'see recordupload config init --help',
  });
}

async function fromFlags({ options, terminal, signal }: Call): Promise<ConfigAnswers> {
  const values = new Map<string, string>();
  const problems: string[] = [];
  for (const { option, flag, key } of QUESTIONS) {
    const text = options[option];
    if (text === undefined) continue;
    values.set(key, text);
    checkData(nest(key, text), () => flag, problems);
  }
  if (problems.length > 0) {
    throw new AppError('USAGE', problems.join('\n'), { hint: 'see recordupload config init --help' });
  }
  const named = SECRETS.flatMap(secret => {
    const file = options[secret.option];
    return file === undefined ? [] : [{ ...secret, file }];
  });
  if (named.filter(({ file }) => file === '-').length > 1) {
    throw new AppError('USAGE', 'only one secret can come from standard input', { hint: 'put the others into files' });
  }
  const secrets = new Map<SecretName, string>();
  for (const { name, flag, file } of named) secrets.set(name, await readSecret(file, flag, { ...terminal, signal }));
  return { values, secrets };
}

/** `-` is standard input. One newline at the end is accepted, because editors add it. */
async function readSecret(
  file: string,
  flag: string,
  { stdin, cwd, signal }: Pick<Call['terminal'], 'stdin' | 'cwd'> & Pick<Call, 'signal'>,
): Promise<string> {
  const content = file === '-' ? await readInput(stdin, signal) : await readText(resolve(cwd, file), flag);
  const secret = content.replace(/\r?\n$/, '');
  const flaw = flawOfToken(secret);
  if (flaw === undefined) return secret;
  const where = file === '-' ? 'standard input' : file;
  throw new AppError('USAGE', `${flag}: ${where} ${flaw}`, {
    hint: 'the file must contain the secret and nothing else',
  });
}

/** @throws the signal's reason once it aborts */
async function readInput(stdin: Call['terminal']['stdin'], signal: AbortSignal): Promise<string> {
  try {
    return await readAll(addAbortSignal(signal, stdin));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

async function readText(file: string, flag: string): Promise<string> {
  try {
    return (await readSmallFile(file)).bytes.toString('utf8');
  } catch (error) {
    const isUnreadable = error instanceof Unreadable;
    if (!isUnreadable && !hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EISDIR')) throw error;
    const words: Record<string, string> = {
      EISDIR: 'is a folder',
      ENOENT: 'does not exist',
      ENOTDIR: 'does not exist',
    };
    const why = isUnreadable ? error.flaw : words[String(error.code)];
    throw new AppError('USAGE', `${flag}: ${file} ${why ?? 'cannot be read: permission denied'}`, {
      hint: 'name a file that contains the secret, or "-" for standard input',
    });
  }
}

async function fromPerson(call: Call): Promise<ConfigAnswers> {
  const values = new Map<string, string>();
  for (const { key, question, otherwise } of QUESTIONS) {
    const answer = await ask(question, { otherwise, flawOf: text => flawOfValue(key, text) }, call);
    if (answer !== undefined) values.set(key, answer);
  }
  const secrets = new Map<SecretName, string>();
  for (const { name, question } of SECRETS) {
    // A profile has the keys already.
    if (name !== 'token' && values.has('awsProfile')) continue;
    const answer = await ask(question, { hidden: true, flawOf: flawOfToken }, call);
    if (answer !== undefined) secrets.set(name, answer);
  }
  return { values, secrets };
}

function flawOfValue(key: string, text: string): string | undefined {
  const problems: string[] = [];
  checkData(nest(key, text), () => key, problems);
  return problems[0];
}
