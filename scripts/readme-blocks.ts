/**
 * The parts of README.md that follow from the code: commands, configuration, exit statuses, the library. A test compares
 * them with what README.md has, `node scripts/readme-session.ts` writes them.
 */
import { readFileSync } from 'node:fs';
import { COMMANDS } from '../src/cli/commands/index.ts';
import { EXIT, EXIT_MEANINGS } from '../src/cli/exit-codes.ts';
import { KEYS, variablesOf } from '../src/config/keys.ts';
import { DEFAULTS } from '../src/config/schema.ts';

/** What a configuration key is for, in one line, and its default as text. */
interface KeyText {
  purpose: string;
  default?: string;
}

const code = (text: string | number) => `\`${text}\``;

const KEY_TEXTS: Readonly<Record<string, KeyText>> = {
  endpoint: {
    purpose: 'base URL of the S3 service',
    default: `that of the region, ${code('https://s3.<region>.idrivee2.com')}`,
  },
  region: { purpose: 'region of the bucket', default: code(DEFAULTS.region) },
  bucket: { purpose: 'the bucket', default: code(DEFAULTS.bucket) },
  publicBaseUrl: { purpose: 'what the links in the webhook begin with', default: 'the endpoint' },
  accessKeyId: { purpose: 'access key' },
  accessKeyIdFile: { purpose: 'file that holds the access key' },
  secretAccessKey: { purpose: 'secret key' },
  secretAccessKeyFile: { purpose: 'file that holds the secret key' },
  sessionToken: { purpose: 'session token; counts only with keys from the same source' },
  awsProfile: { purpose: `profile with static keys in ${code('~/.aws/credentials')}, in place of the two keys` },
  'user.name': { purpose: "the user's name" },
  'user.email': { purpose: "the user's e-mail address, exactly as the server knows it; capitals count" },
  'webhook.url': { purpose: 'where the recordings server is told', default: code(DEFAULTS.webhookUrl) },
  'webhook.token': { purpose: `the token, sent as ${code('X-Webhook-Token')}` },
  'webhook.tokenFile': { purpose: 'file that holds the token' },
  'webhook.secret': { purpose: `signing secret (${code('whsec_…')}); requests are signed where there is one` },
  'webhook.secretFile': { purpose: 'file that holds the signing secret' },
  'webhook.secrets': { purpose: 'two signing secrets while one replaces the other' },
  'webhook.enabled': { purpose: `${code('false')}: webhooks wait`, default: code('true') },
  stateDir: {
    purpose: 'what must survive: unfinished uploads, webhooks, the log',
    default: code('~/.local/state/recordupload'),
  },
  logFile: { purpose: 'the log', default: `${code('logs/app.log')} in the state folder` },
  uploadSource: {
    purpose: `${code('upload_source')} of the webhook`,
    default: `each way in says its own: ${code('cli')}, ${code('library')}`,
  },
  extraFiles: { purpose: 'globs of further files in the folder that are uploaded too', default: 'none' },
  allowInsecure: {
    purpose: `${code('true')}: ${code('http://')} to other hosts than this machine`,
    default: code('false'),
  },
  concurrency: { purpose: 'parts in flight, 1 to 256', default: 'found out while uploading' },
  bwlimit: {
    purpose: `the most that uploads may use: ${code('10M')} (MiB/s), ${code('512k')}, or ${code('08:00,512k 19:00,off')}`,
    default: 'no limit',
  },
  uploadRetryBudget: {
    purpose: 'how long an upload goes on trying without any progress',
    default: code(DEFAULTS.uploadRetryBudget),
  },
  webhookConcurrency: {
    purpose: 'requests in flight to one webhook endpoint, 1 to 256',
    default: code(DEFAULTS.webhookConcurrency),
  },
  caFile: { purpose: 'PEM file with further certificate authorities' },
};

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Every command, one line each. */
export function commandsTable(): string {
  const rows = COMMANDS.map(({ name, args, summary }) => [
    code([name, ...args.map(argument => argument.name)].join(' ')),
    summary,
  ]);
  return table(['command', 'what it does'], rows);
}

/**
 * Every configuration key.
 * @throws Error where a key has no text here, or a text no key
 */
export function configurationTable(): string {
  const paths = KEYS.map(({ path }) => path);
  const missing = paths.filter(path => !KEY_TEXTS[path]);
  const unknown = Object.keys(KEY_TEXTS).filter(path => !paths.includes(path));
  if (missing.length > 0 || unknown.length > 0) {
    throw new Error(
      `scripts/readme-blocks.ts: keys without a text: ${missing.join(', ')}; no keys: ${unknown.join(', ')}`,
    );
  }
  const rows = KEYS.map(key => [
    code(key.path),
    variablesOf(key).map(code).join(' '),
    KEY_TEXTS[key.path]?.default ?? '',
    KEY_TEXTS[key.path]?.purpose ?? '',
  ]);
  return table(['key', 'in the environment', 'default', 'what it is'], rows);
}

/** Every exit status. */
export function exitCodesTable(): string {
  const rows = (Object.keys(EXIT) as (keyof typeof EXIT)[]).map(name => [String(EXIT[name]), EXIT_MEANINGS[name]]);
  return table(['status', 'what it means'], rows);
}

/** The example in the documentation of the library, which a test of its own runs. */
export function libraryExample(): string {
  const source = readFileSync(new URL('../src/index.ts', import.meta.url), 'utf8');
  const [example] = /```ts\n.*?```/s.exec(source) ?? [];
  if (!example) throw new Error('src/index.ts has no example');
  return example.replace(/^ \* ?/gm, '');
}

/** The blocks that follow from the code alone, by name. */
export const BLOCKS = {
  commands: commandsTable,
  configuration: configurationTable,
  'exit-codes': exitCodesTable,
  library: libraryExample,
};

const marks = (name: string) => ({ begin: `<!-- begin ${name} -->`, end: `<!-- end ${name} -->` });

/**
 * The text between a block's markers.
 * @throws Error where they are missing
 */
export function readBlock(markdown: string, name: string): string {
  const { begin, end } = marks(name);
  const [, rest] = markdown.split(`${begin}\n`);
  const [content] = rest?.split(`\n${end}`) ?? [];
  if (content === undefined || !markdown.includes(end)) throw new Error(`README.md has no block ${name}`);
  return content;
}

/** The document with a block's text replaced. */
export function replaceBlock(markdown: string, name: string, content: string): string {
  const { begin, end } = marks(name);
  return markdown.replace(`${begin}\n${readBlock(markdown, name)}\n${end}`, () => `${begin}\n${content}\n${end}`);
}
