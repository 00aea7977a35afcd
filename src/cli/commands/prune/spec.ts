import { describeCommand } from '../../program/command-spec.ts';
import { COMMON_OPTIONS } from '../../program/common-options.ts';
import { parseAge } from '../../terminal/moment.ts';

export const pruneSpec = describeCommand({
  name: 'prune',
  summary: 'the same as "cleanup state": delete old delivered webhooks from the state',
  args: [],
  options: [
    {
      flags: '--older-than <age>',
      purpose: 'only webhooks delivered or superseded longer ago than this: 90d (default), 12h',
      parse: parseAge,
    },
    { flags: '-n, --dry-run', purpose: 'show what would be deleted; delete nothing' },
    ...COMMON_OPTIONS,
  ],
  examples: [
    { does: 'from cron, once a week', line: '0 4 * * 0 recordupload prune --quiet' },
    { does: 'see what would be deleted', line: 'recordupload prune --older-than 30d --dry-run' },
  ],
  exits: ['usage', 'incomplete', 'interrupted', 'terminated'],
});
