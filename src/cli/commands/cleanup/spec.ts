import { describeCommand } from '../../program/command-spec.ts';
import { COMMON_OPTIONS, TARGET_OPTIONS } from '../../program/common-options.ts';
import { parseAge } from '../../terminal/moment.ts';

/** What can be tidied up. */
export const CLEANUP_WORDS = ['uploads', 'state', 'local'] as const;

export const cleanupSpec = describeCommand({
  name: 'cleanup',
  summary: 'remove abandoned uploads, old webhooks, or local files that are in the bucket',
  args: [
    {
      name: '[what]',
      purpose: 'what to remove; without it: show what each would remove',
      choices: CLEANUP_WORDS,
    },
  ],
  options: [
    { flags: '-n, --dry-run', purpose: 'show what would be removed; remove nothing' },
    {
      flags: '--older-than <age>',
      purpose: 'only what is older; unless given: uploads 7d, state 90d, local deleteAfter',
      parse: parseAge,
    },
    { flags: '--elsewhere', purpose: 'also abandoned uploads of recordings that other machines began' },
    { flags: '--yes', purpose: 'without a word: delete abandoned uploads, as "cleanup uploads" does' },
    ...TARGET_OPTIONS,
    ...COMMON_OPTIONS,
  ],
  examples: [
    { does: 'see what could be removed', line: 'recordupload cleanup' },
    { does: 'delete what this machine abandoned more than a week ago', line: 'recordupload cleanup uploads' },
    { does: 'check what is in the bucket, and may be removed here', line: 'recordupload cleanup local --dry-run' },
    { does: 'delete webhooks that were delivered long ago', line: 'recordupload cleanup state --older-than 30d' },
  ],
  exits: ['usage', 'incomplete', 'interrupted', 'terminated'],
});
