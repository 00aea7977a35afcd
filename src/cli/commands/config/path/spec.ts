import { describeCommand } from '../../../program/command-spec.ts';
import { CONFIG_OPTION, JSON_OPTION } from '../../../program/common-options.ts';

export const configPathSpec = describeCommand({
  name: 'config path',
  summary: 'show the configuration files, and where the state and the log are',
  args: [],
  options: [CONFIG_OPTION, JSON_OPTION],
  examples: [{ does: 'which files are used here?', line: 'recordupload config path' }],
  exits: ['usage'],
});
