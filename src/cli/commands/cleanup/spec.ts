import { describeCommand } from '../../program/command-spec.ts';
import { COMMON_OPTIONS, TARGET_OPTIONS } from '../../program/common-options.ts';
import { parseAge } from '../../terminal/moment.ts';

export const cleanupSpec = describeCommand({
  name: 'cleanup',
  summary: 'list (or, with --yes, delete) abandoned multipart uploads',
  args: [],
  options: [
    { flags: '--yes', purpose: 'delete them; without it they are only listed' },
    {
      flags: '--older-than <age>',
      purpose: 'only uploads that have received nothing for this long: 7d (default), 12h',
      parse: parseAge,
    },
    { flags: '--elsewhere', purpose: 'also uploads of recordings that other machines began' },
    ...TARGET_OPTIONS,
    ...COMMON_OPTIONS,
  ],
  examples: [
    { does: 'list abandoned uploads', line: 'recordupload cleanup' },
    { does: 'delete what this machine abandoned more than a week ago', line: 'recordupload cleanup --yes' },
  ],
  exits: ['usage', 'incomplete', 'interrupted', 'terminated'],
});
