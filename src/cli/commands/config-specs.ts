import { COMMON_OPTIONS, CONFIG_OPTION, type CommandSpec } from '../program/command.ts';

/** `recordupload config …` */
export const CONFIG_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'config show',
    summary: 'show each value of the configuration, and where it comes from',
    args: [],
    options: [CONFIG_OPTION, { flags: '--json', purpose: 'print the result as one JSON document' }],
    examples: [{ does: 'which bucket, and who says so?', line: 'recordupload config show' }],
    exits: ['usage'],
    load: () => import('./config-show.ts'),
  },
  {
    name: 'config validate',
    summary: 'check the configuration; one line for each problem',
    args: [{ name: '[file]', purpose: 'this file, in place of the one found here' }],
    options: COMMON_OPTIONS,
    examples: [
      { does: 'is it right?', line: 'recordupload config validate' },
      { does: 'is this one, before it is put in place?', line: 'recordupload config validate new.yaml' },
    ],
    exits: ['usage'],
    load: () => import('./config-validate.ts'),
  },
  {
    name: 'config path',
    summary: 'show which files are looked for and used, and where state and log are',
    args: [],
    options: [CONFIG_OPTION, { flags: '--json', purpose: 'print the result as one JSON document' }],
    examples: [{ does: 'which file has a say here?', line: 'recordupload config path' }],
    exits: ['usage'],
    load: () => import('./config-path.ts'),
  },
  {
    name: 'config init',
    summary: 'write a configuration: asks on a terminal, or takes it from options',
    args: [],
    options: [
      { flags: '--endpoint <url>', purpose: 'URL of the S3 service; else the one of the region' },
      { flags: '--region <region>', purpose: 'region of the bucket' },
      { flags: '--bucket <name>', purpose: 'the bucket' },
      { flags: '--email <address>', purpose: "the user's e-mail address, exactly as the server knows it" },
      { flags: '--webhook-url <url>', purpose: 'URL of the recordings server’s webhook' },
      { flags: '--token-file <file>', purpose: 'take the webhook token from this file; "-": standard input' },
      { flags: '--access-key-id-file <file>', purpose: 'take the access key id from this file; "-": standard input' },
      { flags: '--secret-access-key-file <file>', purpose: 'take the secret key from this file; "-": standard input' },
      { flags: '--aws-profile <name>', purpose: 'use the keys of this profile in ~/.aws/credentials' },
      { flags: '--user', purpose: 'into your own configuration folder, in place of this one' },
      { flags: '--force', purpose: 'replace files that exist' },
      { flags: '--test', purpose: 'then test the webhook, as recordupload webhook test does' },
      { flags: '--json', purpose: 'print the result as one JSON document' },
      { flags: '--quiet', purpose: 'print nothing on success' },
    ],
    examples: [
      { does: 'answer questions', line: 'recordupload config init' },
      {
        does: 'from a script; the token comes in by standard input and is tested at once',
        line: 'pass recordings-token | recordupload config init --email ada@example.com --token-file - --test',
      },
    ],
    exits: ['usage', 'webhook', 'interrupted', 'terminated'],
    load: () => import('./config-init.ts'),
  },
];
