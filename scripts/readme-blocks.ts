/**
 * The parts of the documentation that are generated from the code: commands, configuration, exit statuses, the library's
 * example. A test compares them with the pages; `node scripts/readme-session.ts` writes them into the pages.
 */
import { readFileSync } from 'node:fs';
import { COMMANDS } from '../src/cli/commands/index.ts';
import { EXIT, EXIT_MEANINGS } from '../src/cli/exit-codes.ts';
import { KEYS, variablesOf } from '../src/config/keys.ts';
import { DEFAULTS } from '../src/config/schema.ts';
import { type Steers, TRUST_LEVELS } from '../src/config/trust/levels.ts';
import { layersDiagram } from './readme-layers.ts';

/** What a configuration key is for, in one line, and its default as text. */
interface KeyText {
  purpose: string;
  default?: string;
}

const code = (text: string | number) => `\`${text}\``;

const KEY_TEXTS: Readonly<Record<string, KeyText>> = {
  endpoint: { purpose: 'URL of the S3 service', default: code('https://s3.<region>.idrivee2.com') },
  region: { purpose: 'region of the bucket', default: code(DEFAULTS.region) },
  bucket: { purpose: 'name of the bucket', default: code(DEFAULTS.bucket) },
  publicBaseUrl: { purpose: 'start of the file links in the webhook', default: 'the endpoint' },
  accessKeyId: { purpose: 'access key' },
  accessKeyIdFile: { purpose: 'file that contains the access key' },
  secretAccessKey: { purpose: 'secret key' },
  secretAccessKeyFile: { purpose: 'file that contains the secret key' },
  sessionToken: { purpose: 'session token; used only with keys from the same source' },
  awsProfile: { purpose: `profile of the AWS tools (${code('~/.aws/config')}), instead of the two keys` },
  'user.name': { purpose: "the user's name" },
  'user.email': { purpose: "the user's e-mail address, exactly as the server knows it; case matters" },
  'webhook.url': { purpose: "URL of the recordings server's webhook", default: code(DEFAULTS.webhookUrl) },
  'webhook.token': { purpose: `token, sent as ${code('X-Webhook-Token')}` },
  'webhook.tokenFile': { purpose: 'file that contains the token' },
  'webhook.secret': { purpose: `signing secret (${code('whsec_…')}); if set, requests are also signed` },
  'webhook.secretFile': { purpose: 'file that contains the signing secret' },
  'webhook.secrets': { purpose: 'the new and the old signing secret while you replace one' },
  'webhook.enabled': { purpose: `${code('false')}: webhooks are stored but not sent`, default: code('true') },
  stateDir: {
    purpose: 'folder for unfinished uploads, stored webhooks and the log',
    default: code('~/.local/state/recordupload'),
  },
  logFile: { purpose: 'the log', default: `${code('logs/app.log')} in the state folder` },
  stateUrl: {
    purpose: `URL of the PostgreSQL database in which a fleet keeps its state, ${code('postgres://user@host/database')}`,
    default: 'the state folder',
  },
  stateUrlFile: { purpose: 'file that contains that URL' },
  machine: { purpose: "this machine's name in a fleet; no two have the same", default: "the host's name" },
  sharedFolders: {
    purpose: `${code('true')}: folders are on a network drive; another machine resumes what a dead one has left`,
    default: code('false'),
  },
  acl: {
    purpose: `canned ACL of each object, such as ${code('public-read')}, if links are to work for everybody`,
    default: 'none is sent',
  },
  storageClass: { purpose: 'storage class of each object', default: "the store's own" },
  cacheControl: { purpose: `${code('Cache-Control')} of each object, for those who open links`, default: 'none' },
  uploadSource: {
    purpose: `${code('upload_source')} in the webhook`,
    default: `${code('cli')} or ${code('library')}`,
  },
  extraFiles: { purpose: 'patterns (globs) for other files in the folder to upload', default: 'none' },
  idPrefix: {
    purpose: `what IDs from folder names and sidecars begin with, such as ${code('studio-a-')}, where several recorders count from 1; ${code('--id')} is used as it is`,
    default: 'none',
  },
  allowInsecure: {
    purpose: `${code('true')}: allow ${code('http://')} to other machines`,
    default: code('false'),
  },
  concurrency: { purpose: 'number of parallel uploads, 1 to 256', default: 'adjusted automatically' },
  bwlimit: {
    purpose: `bandwidth limit for uploads: ${code('10M')} (MiB/s), ${code('512k')}, or ${code('08:00,512k 19:00,off')}`,
    default: 'no limit',
  },
  uploadRetryBudget: {
    purpose: 'how long an upload keeps retrying without any progress; 15 s if the store has never responded',
    default: code(DEFAULTS.uploadRetryBudget),
  },
  settle: {
    purpose: 'how long nobody must have written to a recording before it is uploaded',
    default: code(DEFAULTS.settle),
  },
  'watch.roots': { purpose: `folders below which ${code('watch')} finds recordings`, default: 'none' },
  'watch.marker': {
    purpose: 'name (or glob) of a file by which the recorder says that a recording is finished',
    default: 'none',
  },
  'watch.quiet': {
    purpose: 'how long a recording must not have changed if nothing else says that it is finished',
    default: code(DEFAULTS.watchQuiet),
  },
  'watch.liveBandwidth': {
    purpose: `bandwidth limit for what is still being recorded, as ${code('bwlimit')}; ${code('0')}: it waits for its end`,
    default: 'no limit',
  },
  'dashboard.listen': { purpose: `where ${code('dashboard')} listens`, default: code(DEFAULTS.dashboardListen) },
  'dashboard.url': { purpose: 'address under which a proxy offers the dashboard' },
  'dashboard.tokenFile': { purpose: 'file with the token that people sign in with to the dashboard' },
  'dashboard.tlsCert': { purpose: 'PEM file with the certificate of the dashboard' },
  'dashboard.tlsKey': { purpose: 'PEM file with its private key' },
  'dashboard.trustedProxies': {
    purpose: 'addresses or ranges of the proxies that do the TLS for the dashboard',
    default: 'none',
  },
  alerts: {
    purpose: 'list of chats, commands and services that get alerts; see [monitoring](monitoring.md#alerts)',
    default: 'none',
  },
  deleteAfter: {
    purpose: `after an upload, when its local files are removed: ${code('7d')}, ${code('12h')}; only those that the bucket and every endpoint have`,
    default: code(DEFAULTS.deleteAfter),
  },
  webhookConcurrency: {
    purpose: 'number of parallel requests to one webhook endpoint, 1 to 256',
    default: code(DEFAULTS.webhookConcurrency),
  },
  caFile: { purpose: 'PEM file with additional certificate authorities' },
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
 * @throws Error if a key has no text here, or a text has no key
 */
export function configurationTable(): string {
  const paths = KEYS.map(({ path }) => path);
  const missing = paths.filter(path => !KEY_TEXTS[path]);
  const unknown = Object.keys(KEY_TEXTS).filter(path => !paths.includes(path));
  if (missing.length > 0 || unknown.length > 0) {
    throw new Error(
      `scripts/readme-blocks.ts: keys without a text: ${missing.join(', ')}; texts without a key: ${unknown.join(', ')}`,
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

/** The example in the docblock of the library; `test/library.test.ts` runs it. */
export function libraryExample(): string {
  const source = readFileSync(new URL('../src/index.ts', import.meta.url), 'utf8');
  const [example] = /```ts\n.*?```/s.exec(source) ?? [];
  if (!example) throw new Error('src/index.ts has no example');
  return example.replace(/^ \* ?/gm, '');
}

/** Who speaks through which source, and what counts from it. */
export function trustTable(): string {
  const rows = Object.entries(TRUST_LEVELS).map(([level, { sources, counts }]) => [code(level), sources, counts]);
  return table(['level', 'sources', 'what counts'], rows);
}

const STEERED: Readonly<Record<Steers, string>> = {
  endpoint: 'the token and the signing secret of that endpoint',
  keys: 'the access keys',
  all: 'every secret in use',
  file: 'never counts from a folder that is not trusted: the file would be read as a secret',
  alerts: 'never counts from a folder that is not trusted: a command would run',
  files: 'never counts from a folder that is not trusted: local files would be removed',
  state: 'never counts from a folder that is not trusted: recordings and webhooks would be noted elsewhere',
};

/** The keys that steer, and what. */
export function steeringTable(): string {
  const steered = Object.entries(STEERED).map(([steers, what]) => {
    const keys = KEYS.filter(key => key.steers === steers).map(({ path }) => code(path));
    return [keys.join(', '), what];
  });
  return table(['key', 'what it steers'], steered);
}

/** A part of a page that is generated from the code. */
interface Block {
  /** The page that contains it, by its path in the repository. */
  page: string;
  text(): string;
}

/** The blocks that need nothing but the code, by name. The session and the benchmark's tables need a run. */
export const BLOCKS: Readonly<Record<string, Block>> = {
  commands: { page: 'README.md', text: commandsTable },
  configuration: { page: 'docs/configuration.md', text: configurationTable },
  'exit-codes': { page: 'README.md', text: exitCodesTable },
  library: { page: 'docs/library.md', text: libraryExample },
  layers: { page: 'docs/architecture.md', text: layersDiagram },
  trust: { page: 'docs/security.md', text: trustTable },
  steering: { page: 'docs/security.md', text: steeringTable },
};

const marks = (name: string) => ({ begin: `<!-- begin ${name} -->`, end: `<!-- end ${name} -->` });

/**
 * The text between a block's markers.
 * @throws Error if they are missing
 */
export function readBlock(markdown: string, name: string): string {
  const { begin, end } = marks(name);
  const [, rest] = markdown.split(`${begin}\n`);
  const [content] = rest?.split(`\n${end}`) ?? [];
  if (content === undefined || !markdown.includes(end)) throw new Error(`the page has no block ${name}`);
  return content;
}

/** The page with the text of a block replaced. */
export function replaceBlock(markdown: string, name: string, content: string): string {
  const { begin, end } = marks(name);
  return markdown.replace(`${begin}\n${readBlock(markdown, name)}\n${end}`, () => `${begin}\n${content}\n${end}`);
}
