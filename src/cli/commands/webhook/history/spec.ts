import { describeCommand } from '../../../program/command-spec.ts';
import { COMMON_OPTIONS, MACHINE_OPTION, WEBHOOK_URL_OPTION } from '../../../program/common-options.ts';

export const webhookHistorySpec = describeCommand({
  name: 'webhook history',
  summary: 'show every attempt to tell the server about a recording',
  args: [{ name: '<id>', purpose: 'the recording' }],
  options: [MACHINE_OPTION, WEBHOOK_URL_OPTION, ...COMMON_OPTIONS],
  examples: [{ does: 'why does the server not know it?', line: 'recordupload webhook history 42' }],
  exits: ['usage', 'incomplete', 'interrupted', 'terminated'],
});
