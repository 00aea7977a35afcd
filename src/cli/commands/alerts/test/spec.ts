import { describeCommand } from '../../../program/command-spec.ts';
import { COMMON_OPTIONS } from '../../../program/common-options.ts';

export const alertsTestSpec = describeCommand({
  name: 'alerts test',
  summary: 'send a test message to everybody who gets alerts',
  args: [],
  options: [...COMMON_OPTIONS],
  examples: [{ does: 'does a message arrive in the channel?', line: 'recordupload alerts test' }],
  exits: ['usage', 'webhook', 'interrupted', 'terminated'],
});
