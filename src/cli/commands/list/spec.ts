import { describeCommand } from '../../program/command-spec.ts';
import { CONFIG_OPTION, JSON_OPTION, MACHINE_OPTION } from '../../program/common-options.ts';
import { parseCount } from '../../program/parse-count.ts';

export const listSpec = describeCommand({
  name: 'list',
  summary: 'list what was uploaded from this machine, or waits for it, the newest first',
  args: [],
  options: [
    {
      flags: '--state <state>',
      purpose: 'only recordings in this state; waiting, held: a webhook is; queued, refused: the upload has not begun',
      choices: ['recording', 'uploading', 'partial', 'done', 'waiting', 'held', 'queued', 'refused'],
    },
    { flags: '--since <time>', purpose: 'only what was uploaded or tried since: 2h or 3d (ago), 2026-01-31T14:00' },
    { flags: '--limit <n>', purpose: 'at most so many (default: 20)', parse: parseCount },
    MACHINE_OPTION,
    CONFIG_OPTION,
    JSON_OPTION,
  ],
  examples: [
    { does: 'what was uploaded today', line: 'recordupload list --since 24h' },
    { does: 'whose webhooks are held', line: 'recordupload list --state held' },
  ],
  exits: ['usage', 'incomplete', 'interrupted', 'terminated'],
});
