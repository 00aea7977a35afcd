import { describeCommand } from '../../../program/command-spec.ts';
import { JSON_OPTION } from '../../../program/common-options.ts';

export const configInitSpec = describeCommand({
  name: 'config init',
  summary: 'write a configuration file: from your answers on a terminal, or from options',
  args: [],
  options: [
    { flags: '--endpoint <url>', purpose: "URL of the S3 service (default: the region's)" },
    { flags: '--region <region>', purpose: 'region of the bucket' },
    { flags: '--bucket <name>', purpose: 'name of the bucket' },
    { flags: '--email <address>', purpose: "the user's e-mail address, exactly as the server knows it" },
    { flags: '--webhook-url <url>', purpose: "URL of the recordings server's webhook" },
    { flags: '--token-file <file>', purpose: 'read the webhook token from this file ("-": standard input)' },
    { flags: '--access-key-id-file <file>', purpose: 'read the access key ID from this file ("-": standard input)' },
    { flags: '--secret-access-key-file <file>', purpose: 'read the secret key from this file ("-": standard input)' },
    { flags: '--aws-profile <name>', purpose: 'use the keys of this AWS profile' },
    { flags: '--here', purpose: 'write into the working folder, for this folder alone, and trust the file' },
    { flags: '--user', purpose: 'write into your own configuration folder; this is the default' },
    { flags: '-f, --force', purpose: 'replace existing files' },
    { flags: '--test', purpose: 'then test the webhook, as recordupload webhook test does' },
    JSON_OPTION,
    { flags: '-q, --quiet', purpose: 'print nothing on success' },
  ],
  examples: [
    { does: 'answer questions', line: 'recordupload config init' },
    {
      does: 'from a script: read the token from standard input, then test it',
      line: 'pass recordings-token | recordupload config init --email ada@example.com --token-file - --test',
    },
  ],
  exits: ['usage', 'webhook', 'interrupted', 'terminated'],
});
