import { chmodSync, mkdirSync, type Stats, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { errorText } from '../../src/cli/failure.ts';
import { flawOfTrust } from '../../src/config/permissions.ts';
import { readCaFile } from '../../src/core/ca-file.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Desk } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import type { Meeting } from './meeting.ts';

const exit = EXIT.usage;
const FROM_FILE = { WEBHOOK_URL: undefined, WEBHOOK_TOKEN: undefined };
const FAKE = 'fake-secret-of-nobody';

/** A variable that is wrong. Every command that needs secrets says so; `retry --list` does nothing else. */
const variable = (name: string, value: string, says: string, more: NodeJS.ProcessEnv = {}): Meeting => ({
  says: `${name}: ${says}`,
  exit,
  env: { [name]: value, ...more },
  meet: () => ['retry', '--list'],
});

/** A file in the home folder, with everything that is put into it. */
function write(desk: Desk, name: string, text: string, mode = 0o600): string {
  const file = join(desk.home, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}
const inFile = (text: string, says: string, name = '.recorduploadrc', mode = 0o600): Meeting => ({
  says: `${name}: ${says}`,
  exit,
  env: FROM_FILE,
  meet: desk => {
    write(desk, join('work', name), text, mode);
    return ['retry', '--list'];
  },
});
const NO_SECRETS = { ...FROM_FILE, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
const CORRECT_FIRST = 'correct the file first: recordupload config validate';
/** `config trust` with these arguments. */
const trusting = (says: string, hint: string, args: (desk: Desk) => string[]): Meeting => ({
  says,
  hint,
  exit,
  meet: desk => ['config', 'trust', ...args(desk)],
});
/** The token comes from a file. */
const tokenFile = (text: string, says: string, mode = 0o600): Meeting => ({
  says: `WEBHOOK_TOKEN_FILE: ../token ${says}`.replace('../', '…/'),
  exit,
  env: { WEBHOOK_TOKEN: undefined, WEBHOOK_TOKEN_FILE: '../token' },
  meet: desk => {
    write(desk, 'token', text, mode);
    return ['retry', '--list'];
  },
});
const credential = (says: string, mode: number): Meeting => ({
  says: `CREDENTIALS_DIRECTORY: …/webhook-token ${says}`,
  exit,
  env: { WEBHOOK_TOKEN: undefined, CREDENTIALS_DIRECTORY: '/' },
  meet: desk => {
    write(desk, 'webhook-token', 'fake-token', mode);
    desk.env.CREDENTIALS_DIRECTORY = desk.home;
    return ['retry', '--list'];
  },
});
/** A profile that cannot be used; what is written of it goes into one of the AWS files. */
const profile = (text: string, says: string, { name = 'config', mode = 0o600, asNobody = false } = {}): Meeting => ({
  says: `AWS profile "recordings": ${says}`,
  hint: KEYS_HINT,
  exit,
  asNobody,
  env: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_PROFILE: 'recordings' },
  meet: desk => {
    write(desk, `.aws/${name}`, text, mode);
    return ['upload', makeRecording()];
  },
});
/** One whose keys cannot be had now. */
const keysFrom = (text: string, says: string, hint: string): Meeting => ({
  ...profile(`[profile recordings]\n${text}`, says),
  hint,
  exit: EXIT.incomplete,
});
const KEYS_HINT =
  'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or accessKeyId and secretAccessKey in .recorduploadrc';
const OPS = 'https://127.0.0.1/';
const list = (...names: string[]) => JSON.stringify({ webhooks: names.map(name => ({ name, url: OPS })) });

export const CONFIGURATION: readonly Meeting[] = [
  {
    says: 'HTTPS_PROXY: expected the address of a proxy (the value is not shown)',
    hint: 'as in http://proxy.example:3128; characters of a password such as "@" and "%" are written %40 and %25',
    exit,
    env: { HTTPS_PROXY: `http://ada:${FAKE}@proxy.example:99999`, RECORDUPLOAD_ENDPOINT: 'https://s3.example.com' },
    meet: () => ['upload', makeRecording()],
  },
  ...[
    { RECORDUPLOAD_ENDPOINT: 'https://ops.example.com' },
    { WEBHOOK_URL: 'https://ops.example.com/recordings/webhook/' },
  ].map(env => ({
    says: 'ALL_PROXY: socks5h:// proxies are not supported',
    hint: 'use a proxy of the kind http:// or https://, or list ops.example.com in NO_PROXY to reach it directly',
    exit,
    env: { ...env, ALL_PROXY: `socks5h://ada:${FAKE}@proxy.example:1080` },
    meet: () => ['upload', makeRecording()],
  })),
  ...[
    ['{}', 'expected one of url, command and heartbeatUrl'],
    ['{"heartbeatUrl":"https://a.example/x","after":"1h"}', 'a heartbeatUrl has no "on" and no "after"'],
    [
      '{"command":"true","on":["sunshine"]}',
      'expected an event (held, exhausted, disabled, stuck, failed, recovered), got "sunshine"',
    ],
    ['{"command":"true","after":"soon"}', 'expected a duration such as 15m or 2h, 30d at most, got "soon"'],
    ['{"url":"hooks"}', 'expected an https:// URL'],
  ].map(([entry, says = '']) => variable('RECORDUPLOAD_ALERTS', `[${entry}]`, says)),
  {
    says: 'RECORDUPLOAD_ALERTS[0]: http:// would send alerts in the clear: use https://, or set allowInsecure',
    exit,
    env: { RECORDUPLOAD_ALERTS: '[{"url":"http://hooks.example.com/x"}]' },
    meet: () => ['retry', '--list'],
  },
  {
    says: 'nobody gets alerts: alerts is not configured',
    hint: 'add alerts with a url or a command to the configuration; docs/monitoring.md has an example',
    exit,
    meet: () => ['alerts', 'test'],
  },
  variable('RECORDUPLOAD_ENDPOINT', 's3.example.com', '"s3.example.com" has no scheme (use https://s3.example.com)'),
  variable('RECORDUPLOAD_ENDPOINT', 'ops', 'expected a URL, got "ops"'),
  variable('RECORDUPLOAD_ENDPOINT', 'https://[', 'expected a URL, got "https://["'),
  variable('RECORDUPLOAD_ENDPOINT', 'ftp://s3.example.com', 'expected an https:// URL, got "ftp://s3.example.com"'),
  variable(
    'RECORDUPLOAD_ENDPOINT',
    'https://a:b@s3.example.com',
    'expected a URL without user name and password, got …',
  ),
  variable('RECORDUPLOAD_ENDPOINT', 'https://s3.example.com/#x', 'expected a URL without "#…", got …'),
  variable('RECORDUPLOAD_ENDPOINT', 'https://s3.example.com/?x', 'expected a URL without "?…", got …'),
  variable(
    'RECORDUPLOAD_ENDPOINT',
    'https://s3.example.com/fyemeet',
    'https://s3.example.com/fyemeet already contains the bucket fyemeet: use https://s3.example.com',
  ),
  variable(
    'RECORDUPLOAD_ENDPOINT',
    'http://s3.example.com',
    'http:// would send recordings in the clear: use https://, or set allowInsecure',
  ),
  variable(
    'WEBHOOK_URL',
    'http://ops.example.com',
    'http:// would send the token in the clear: use https://, or set allowInsecure',
  ),
  variable('RECORDUPLOAD_REGION', 'no region!', 'expected a region such as us-west-1, got "no region!"'),
  variable('RECORDUPLOAD_BUCKET', '!', 'expected a bucket\'s name, got "!"'),
  variable('AWS_PROFILE', 'x'.repeat(256), 'expected a profile name of up to 255 characters, got …'),
  variable('RECORDUPLOAD_USER_EMAIL', 'ada', 'expected an e-mail address, got "ada"'),
  variable('RECORDUPLOAD_ALLOW_INSECURE', 'perhaps', 'expected true or false, got "perhaps"'),
  variable('RECORDUPLOAD_CONCURRENCY', 'many', 'expected a number, got "many"'),
  variable('RECORDUPLOAD_CONCURRENCY', '257', 'expected a whole number from 1 to 256, got 257'),
  variable(
    'RECORDUPLOAD_BWLIMIT',
    'fast',
    'expected a rate such as 10M, 512k, off or "08:00,512k 19:00,off", got "fast"',
  ),
  variable('RECORDUPLOAD_UPLOAD_RETRY_BUDGET', 'x', 'expected a duration such as 90s, 30m or 2h, 30d at most, got "x"'),
  variable('RECORDUPLOAD_DELETE_AFTER', '7', 'expected a duration such as 7d or 12h, or never, got "7"'),
  variable('RECORDUPLOAD_SETTLE', '2h', 'expected a duration such as 3s or 1m, 1h at most, got "2h"'),
  variable('RECORDUPLOAD_WATCH_MARKER', 'sub/done', 'expected a file name or glob without "/", got "sub/done"'),
  variable('RECORDUPLOAD_WATCH_QUIET', '0', 'expected a duration such as 60s or 5m, 1s to 7d, got "0"'),
  variable(
    'RECORDUPLOAD_WATCH_LIVE_BANDWIDTH',
    'fast',
    'expected a rate such as 10M, 512k, off, 0 or "08:00,512k 19:00,off", got "fast"',
  ),
  variable('RECORDUPLOAD_CA_FILE', '/nowhere', '/nowhere does not exist or is not a file'),
  variable('WEBHOOK_TOKEN', 'abc', 'is shorter than 4 characters (the value is not shown)'),
  variable('WEBHOOK_TOKEN', '"fake-token"', 'has quotes around it (the value is not shown)'),
  variable('WEBHOOK_TOKEN', 'fake\u200btoken', 'contains an invisible character (U+200B) (the value is not shown)'),
  variable('WEBHOOK_TOKEN', 'fake\u00a0token', 'contains an unusual space (U+00A0) (the value is not shown)'),
  variable('WEBHOOK_TOKEN', 'fake\ntoken', 'contains a newline (the value is not shown)'),
  variable('WEBHOOK_TOKEN', 'fake token', 'contains white space (the value is not shown)'),
  variable('WEBHOOK_TOKEN', 'fake\u0001token', 'contains a control character (the value is not shown)'),
  variable('WEBHOOK_TOKEN', 'fäke-token', 'contains a character that is not ASCII (the value is not shown)'),
  variable('WEBHOOK_SECRET', 'x', 'expected whsec_ and the base64 of 24 to 64 random bytes (the value is not shown)'),

  tokenFile('', 'is empty'),
  tokenFile('fake-token', 'contains a secret and can be read by other users: chmod 600 …', 0o644),
  tokenFile('x'.repeat(70_000), 'is too large to hold one secret'),
  {
    says: 'WEBHOOK_TOKEN_FILE: …/nowhere does not exist',
    exit,
    env: { WEBHOOK_TOKEN: undefined, WEBHOOK_TOKEN_FILE: 'nowhere' },
    meet: () => ['retry', '--list'],
  },
  {
    says: 'WEBHOOK_TOKEN_FILE: …/work is not a file',
    exit,
    env: { WEBHOOK_TOKEN: undefined, WEBHOOK_TOKEN_FILE: '.' },
    meet: () => ['retry', '--list'],
  },
  {
    says: 'WEBHOOK_TOKEN_FILE: …/token cannot be read: permission denied',
    exit,
    env: { WEBHOOK_TOKEN: undefined, WEBHOOK_TOKEN_FILE: '../token' },
    asNobody: true,
    meet: desk => {
      write(desk, 'token', 'fake-token', 0o000);
      return ['retry', '--list'];
    },
  },
  credential('can be read by everybody: chmod o-r …', 0o644),
  {
    says: 'webhook.token: two sources for one secret, WEBHOOK_TOKEN and WEBHOOK_TOKEN_FILE: keep one',
    exit,
    env: { WEBHOOK_TOKEN_FILE: '../token' },
    meet: () => ['retry', '--list'],
  },

  inFile('regoin: x', 'line 1: regoin: unknown key (did you mean region?)'),
  inFile('bucket: 3', 'line 1: bucket: expected text, got 3 (put it in quotes)'),
  inFile('user: ada', 'line 1: user: expected a mapping of keys, got …'),
  inFile('extraFiles: "*.txt"', 'line 1: extraFiles: expected a list, got …'),
  inFile('concurrency: 1.5', 'line 1: concurrency: expected a whole number, got 1.5'),
  inFile('webhooks: [{url: "https://127.0.0.1/"}]', 'line 1: webhooks[0].name: is missing'),
  inFile(
    'webhooks: [{name: A B, url: "https://127.0.0.1/"}]',
    'line 1: webhooks[0].name: expected a name of up to 32 of a-z, 0-9, _ and -, got "A B"',
  ),
  inFile('webhook: {secrets: []}', 'line 1: webhook.secrets: expected one or two secrets'),
  inFile('webhook: {token: 3}', 'line 1: webhook.token: expected text, got a number (put it in quotes)'),
  {
    says: '.recorduploadrc: webhook.tokenFile: a file of the working folder may not name a file to be read as a secret: if you trust it, run recordupload config trust .recorduploadrc, or give --config .recorduploadrc',
    exit,
    env: FROM_FILE,
    meet: desk => {
      write(desk, 'work/.recorduploadrc', 'webhook: {tokenFile: token}');
      return ['retry', '--list'];
    },
  },
  {
    says: '.env: AWS_PROFILE: a file of the working folder may not choose a profile: if you trust it, run recordupload config trust .env',
    exit,
    meet: desk => {
      write(desk, 'work/.env', 'AWS_PROFILE=x');
      return ['retry', '--list'];
    },
  },
  {
    says: '.recorduploadrc: stateDir: a file of the working folder may not place it outside of its folder: …',
    exit,
    env: NO_SECRETS,
    meet: desk => {
      write(desk, 'work/.recorduploadrc', 'stateDir: ../x');
      return ['retry', '--list'];
    },
  },
  {
    says: '.recorduploadrc: webhook.url: a file of the working folder may not steer webhook.token, which comes from …/config.yaml:1: …',
    exit,
    env: FROM_FILE,
    meet: desk => {
      write(desk, '.config/recordupload/config.yaml', 'webhook: {token: fake-own-token}');
      write(desk, 'work/.recorduploadrc', `webhook: {url: "${OPS}"}`);
      return ['retry', '--list'];
    },
  },
  {
    says: '.recorduploadrc: webhook.url: this file has changed since you trusted it, and may not steer webhook.token, which comes from …: …',
    exit,
    env: FROM_FILE,
    meet: async desk => {
      write(desk, '.config/recordupload/config.yaml', 'webhook: {token: fake-own-token}');
      write(desk, 'work/.recorduploadrc', `webhook: {url: "${OPS}1"}`);
      await desk.run(['config', 'trust']);
      write(desk, 'work/.recorduploadrc', `webhook: {url: "${OPS}2"}`);
      return ['retry', '--list'];
    },
  },
  trusting('no configuration file is in this folder', 'name the file: recordupload config trust <file>', () => []),
  trusting('…/nosuch does not exist', 'check the path and its permissions', () => ['nosuch']),
  trusting('…/work cannot be read', 'check the path and its permissions', () => ['../work']),
  trusting('…/.env does not exist, or sets nothing of recordupload', 'check the path', () => ['.env']),
  trusting('rc.yaml: line 1: regoin: unknown key (did you mean region?)', CORRECT_FIRST, desk => {
    write(desk, 'work/rc.yaml', 'regoin: x');
    return ['rc.yaml'];
  }),
  trusting('--list does not go with --remove', 'run one after the other', () => ['--list', '--remove']),
  ...[
    ['{', 'is not valid JSON', 0o600],
    ['{}', 'is not a list of trusted files', 0o600],
    ['{}', 'can be changed by other users: chmod go-w …', 0o666],
    ['#'.repeat(1_100_000), 'is larger than 1 MiB', 0o600],
  ].map(([text, says, mode]) =>
    trusting(`…/trusted.json ${says}`, 'delete it, then trust the files again: recordupload config trust', desk => {
      write(desk, '.local/state/recordupload/trusted.json', String(text), Number(mode));
      return ['--list'];
    }),
  ),
  trusting(
    '…/trusted.json cannot be read: …',
    'delete it, then trust the files again: recordupload config trust',
    desk => {
      mkdirSync(join(desk.home, '.local/state/recordupload/trusted.json'), { recursive: true });
      return ['--list'];
    },
  ),
  trusting(
    '…/trusted.json cannot be written: …',
    'check the permissions of that folder and the room on its disk',
    desk => {
      write(desk, '.local/state', 'a file');
      write(desk, 'work/.recorduploadrc', 'region: x');
      return [];
    },
  ),
  inFile('acl: Public', 'line 1: acl: expected a canned ACL such as public-read, got "Public"'),
  inFile('storageClass: cold', 'line 1: storageClass: expected a storage class such as STANDARD_IA, got "cold"'),
  inFile('cacheControl: "ü"', 'line 1: cacheControl: expected a Cache-Control header such as max-age=86400, got "ü"'),
  inFile('{', 'line 1: not valid YAML: … (column 2)'),
  inFile('a: 1\n---\nb: 2', 'holds more than one YAML document'),
  inFile('{"a":', 'line 1: not valid JSON (column 6)', '.recorduploadrc.json'),
  inFile('#'.repeat(1_100_000), 'is larger than 1 MiB'),
  inFile('region: us-east-1', 'can be changed by other users: chmod go-w …', '.recorduploadrc', 0o666),
  inFile(
    `webhook: {token: ${FAKE}}`,
    'contains a secret and can be read by other users: chmod 600 …',
    '.recorduploadrc',
    0o644,
  ),
  inFile(list('ops', 'ops'), 'webhooks: two endpoints are called ops'),
  inFile(list('a-b', 'a_b'), 'webhooks: the variables of a_b and another endpoint would be the same: rename one'),
  {
    says: 'WEBHOOK_TOKEN: there are 2 endpoints, it fits only one: name it, as in RECORDUPLOAD_WEBHOOKS_OPS_TOKEN',
    exit,
    env: { WEBHOOK_URL: undefined },
    meet: desk => {
      write(desk, 'work/.recorduploadrc', list('ops', 'archive'));
      return ['retry', '--list'];
    },
  },
  {
    says: 'webhook (….recorduploadrc:1) and webhooks (….recorduploadrc:1) are both configured: keep one',
    exit,
    env: FROM_FILE,
    meet: desk => {
      write(desk, 'work/.recorduploadrc', `{"webhook": {"url": "${OPS}"}, ${list('ops').slice(1)}`);
      return ['retry', '--list'];
    },
  },
  {
    says: '/nowhere.json: does not exist (named by --config)',
    exit,
    meet: () => ['status', '--config', '/nowhere.json'],
  },
  {
    says: '…: cannot be read: it is a folder (named by --config)',
    exit,
    meet: desk => ['status', '--config', desk.home],
  },
  {
    says: '…config.js: is a program: configuration is data (YAML or JSON) and never executed',
    exit,
    meet: desk => ['status', '--config', write(desk, 'config.js', 'export default {}')],
  },
  {
    says: '…/.config/recordupload: cannot be read: permission denied',
    exit,
    asNobody: true,
    meet: desk => {
      chmodSync(dirname(write(desk, '.config/recordupload/config.yaml', 'region: us-west-1')), 0o000);
      return ['retry', '--list'];
    },
  },
  ...['.recorduploadrc', '.env'].map(
    (name): Meeting => ({
      says: `${name}: cannot be read: permission denied`,
      exit,
      asNobody: true,
      meet: desk => {
        write(desk, `work/${name}`, 'WEBHOOK_URL=https://127.0.0.1/', 0o000);
        return ['retry', '--list'];
      },
    }),
  ),
  {
    says: 'no access keys for the bucket are configured',
    hint: KEYS_HINT,
    exit,
    env: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
    meet: () => ['upload', makeRecording()],
  },
  {
    says: 'accessKeyId is set (AWS_ACCESS_KEY_ID), but secretAccessKey is not',
    hint: KEYS_HINT,
    exit,
    env: { AWS_SECRET_ACCESS_KEY: undefined },
    meet: () => ['upload', makeRecording()],
  },
  {
    says: '…: two sources for one secret, … and …: keep one',
    exit,
    env: { ...FROM_FILE, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
    meet: desk => {
      write(
        desk,
        'work/.recorduploadrc',
        `{"awsProfile": "x", "accessKeyId": "${FAKE}", "secretAccessKey": "${FAKE}"}`,
      );
      return ['retry', '--list'];
    },
  },
  profile('\ufeff[profile recordings]\n', '…/.aws/config begins with a byte order mark; save it as UTF-8 without one'),
  profile('[profile old]\nregion = a', 'it is not in … and not in … (there are old)'),
  profile('', 'it is not in … and not in … (they have no profiles)'),
  profile('[profile recordings]\nregion = a', 'it has no keys, neither in …/.aws/config nor in …/.aws/credentials'),
  profile('[recordings]\naws_access_key_id = FAKE', 'it has aws_access_key_id, but not aws_secret_access_key', {
    name: 'credentials',
  }),
  profile('[recordings]\naws_secret_access_key = fake', 'it has aws_secret_access_key, but not aws_access_key_id', {
    name: 'credentials',
  }),
  profile(
    '[profile recordings]\nrole_arn = x',
    'its role_arn needs source_profile, credential_source or web_identity_token_file beside it',
  ),
  profile(
    '[profile recordings]\nrole_arn = x\ncredential_source = Ec2InstanceMetadata',
    'it gets its keys from the metadata address of an EC2 machine, which recordupload does not use',
  ),
  profile(
    '[profile recordings]\nrole_arn = x\ncredential_source = Environment\nmfa_serial = x',
    'its role needs a one-time code (mfa_serial), and there is nobody to type one',
  ),
  profile('[recordings]', '…/.aws/credentials contains a secret and can be read by other users: chmod 600 …', {
    name: 'credentials',
    mode: 0o644,
  }),
  profile('[recordings]', '…/.aws/credentials cannot be read: permission denied', {
    name: 'credentials',
    mode: 0o000,
    asNobody: true,
  }),
  profile('#'.repeat(1_100_000), '…/.aws/config is larger than 1 MiB'),
  {
    says: '…/.aws/config: profile recordings: services: there is no section [services none]',
    exit,
    env: { AWS_PROFILE: 'recordings' },
    meet: desk => {
      write(desk, '.aws/config', '[profile recordings]\nservices = none');
      return ['retry', '--list'];
    },
  },
  keysFrom(
    'credential_process = sh -c "exit 3"',
    'credential_process failed',
    'see what the AWS tools say: aws configure export-credentials --profile recordings',
  ),
  keysFrom(
    'sso_start_url = https://sso.example\nsso_region = a\nsso_account_id = 1\nsso_role_name = r',
    '…',
    'run aws sso login --profile recordings',
  ),
  keysFrom('login_session = arn:aws:sts::1:assumed-role/x/y', '…', 'run aws login --profile recordings'),
  {
    says: 'no webhook token is configured',
    hint: 'set WEBHOOK_TOKEN or WEBHOOK_TOKEN_FILE, or tokenFile in .recorduploadrc',
    exit,
    env: { WEBHOOK_TOKEN: undefined },
    meet: () => ['webhook', 'test'],
  },
  {
    says: 'no token is configured for the webhook ops',
    hint: 'set RECORDUPLOAD_WEBHOOKS_OPS_TOKEN or RECORDUPLOAD_WEBHOOKS_OPS_TOKEN_FILE, or tokenFile in .recorduploadrc',
    exit,
    env: FROM_FILE,
    meet: desk => {
      write(desk, 'work/.recorduploadrc', list('ops'));
      return ['webhook', 'test'];
    },
  },
];

/** What only root can bring about. */
/** What the program would print for an error that only an exchanged file leads to. */
function textOf(make: () => unknown): string | undefined {
  try {
    make();
    return undefined;
  } catch (error) {
    return error instanceof AppError ? errorText(error) : String(error);
  }
}

export const CONFIGURATION_TEXTS: readonly { says: string; text: string | undefined }[] = [
  {
    says: 'belongs to another user (uid 12345) and is not used: chown it, or name it with --config',
    text: flawOfTrust({ uid: 12_345, mode: 0o600 } as Stats, '.recorduploadrc', { platform: 'linux', uid: 1000 }),
  },
  {
    says: 'caFile: /dev/zero is a device, not a file (name a file of certificates in PEM)',
    text: textOf(() => readCaFile('/dev/zero')),
  },
];
