import { describeCommand } from '../../../program/command-spec.ts';
import { CONFIG_OPTION, JSON_OPTION } from '../../../program/common-options.ts';

export const configShowSpec = describeCommand({
  name: 'config show',
  summary: 'show every configuration value and where it comes from',
  args: [],
  options: [CONFIG_OPTION, JSON_OPTION],
  examples: [{ does: 'which bucket is used, and which file or variable sets it?', line: 'recordupload config show' }],
  exits: ['usage'],
});
