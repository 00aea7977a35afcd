import { describeCommand } from '../../program/command-spec.ts';
import { COMMON_OPTIONS, TARGET_OPTIONS } from '../../program/common-options.ts';

export const forgetSpec = describeCommand({
  name: 'forget',
  summary: 'end an upload that nobody wants: abort it, and discard its webhooks',
  args: [{ name: '<id>', purpose: 'the recording, or a folder whose upload has not begun' }],
  options: [...TARGET_OPTIONS, ...COMMON_OPTIONS],
  examples: [
    { does: 'its folder was deleted before it was uploaded', line: 'recordupload forget 42' },
    { does: 'see what is unfinished', line: 'recordupload status' },
  ],
  exits: ['usage', 'incomplete', 'busy', 'interrupted', 'terminated'],
});
