import { describeCommand } from '../../program/command-spec.ts';
import { parsePort } from './parse-port.ts';

export const sandboxSpec = describeCommand({
  name: 'sandbox',
  summary: 'run an S3 server and a recordings server to try things out',
  args: [],
  options: [
    { flags: '--data <dir>', purpose: 'keep the data in this folder (default: in memory)' },
    { flags: '--s3-port <port>', purpose: 'port of the S3 server (default: any free port)', parse: parsePort },
    {
      flags: '--webhook-port <port>',
      purpose: 'port of the recordings server (default: any free port)',
      parse: parsePort,
    },
    { flags: '--user <email...>', purpose: 'e-mail addresses that the recordings server knows' },
    {
      flags: '--webhook-secret-file <file>',
      purpose: 'require signatures made with one of the whsec_… secrets in this file, one per line',
    },
    {
      flags: '--allow-ip <address...>',
      purpose: 'accept webhooks only from these addresses and ranges (10.0.0.0/8, ::1)',
    },
    { flags: '--rate-limit <rate>', purpose: 'webhooks per address: 10/s, 100/m; further ones get a 429' },
    { flags: '--discard', purpose: 'count and check uploaded bytes, but do not keep them' },
    { flags: '--json', purpose: 'print the addresses as one JSON document' },
  ],
  examples: [
    { does: 'run both servers until Ctrl-C', line: 'recordupload sandbox' },
    { does: 'keep what they receive', line: 'recordupload sandbox --data /tmp/sandbox' },
  ],
  exits: ['usage'],
});
