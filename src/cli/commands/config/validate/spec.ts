import { describeCommand } from '../../../program/command-spec.ts';
import { COMMON_OPTIONS } from '../../../program/common-options.ts';

export const configValidateSpec = describeCommand({
  name: 'config validate',
  summary: 'check the configuration; one line for each problem',
  args: [{ name: '[file]', purpose: 'check this file instead of the one found here' }],
  options: COMMON_OPTIONS,
  examples: [
    { does: 'is the configuration valid?', line: 'recordupload config validate' },
    { does: 'check a file before you use it', line: 'recordupload config validate new.yaml' },
  ],
  exits: ['usage'],
});
