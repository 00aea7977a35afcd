import { describeCommand } from '../../program/command-spec.ts';
import { COMMON_OPTIONS, MACHINE_OPTION } from '../../program/common-options.ts';
import { parseCount } from '../../program/parse-count.ts';
import { parseAge } from '../../terminal/moment.ts';

export const statusSpec = describeCommand({
  name: 'status',
  summary: 'show what is uploading, partial, refused, waiting, held and done',
  args: [{ name: '[id]', purpose: 'only this recording: its files, every attempt, the payload' }],
  options: [
    { flags: '--watch', purpose: 'refresh every second, until Ctrl-C' },
    {
      flags: '--max-age <age>',
      purpose: 'ignore unfinished work younger than this (30m, 2h, 1d); held webhooks always count',
      parse: parseAge,
    },
    {
      flags: '--format <how>',
      purpose: 'openmetrics: numbers for Prometheus; the exit status is 0 then, whatever they say',
      choices: ['text', 'openmetrics'],
    },
    { flags: '--limit <n>', purpose: 'list at most this many entries of each kind (default: 20)', parse: parseCount },
    MACHINE_OPTION,
    ...COMMON_OPTIONS,
  ],
  examples: [
    {
      does: 'is everything fine? exit status 3: a folder was refused; 4: an upload broke off; 5: a webhook is held; --max-age adds what is older',
      line: 'recordupload status',
    },
    {
      does: 'for monitoring: ignore what retries finish within 2 hours',
      line: 'recordupload status --quiet --max-age 2h',
    },
    {
      does: "for node_exporter's textfile collector, from cron",
      line: 'recordupload status --format openmetrics > recordupload.prom.new && mv recordupload.prom.new recordupload.prom',
    },
    { does: 'see what happened to a recording', line: 'recordupload status 42' },
  ],
  exits: ['usage', 'recording', 'incomplete', 'webhook', 'terminated'],
});
