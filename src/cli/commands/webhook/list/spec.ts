import { describeCommand } from '../../../program/command-spec.ts';
import { COMMON_OPTIONS, WEBHOOK_URL_OPTION } from '../../../program/common-options.ts';

export const webhookListSpec = describeCommand({
  name: 'webhook list',
  summary: 'show the endpoints and the webhooks that wait for each',
  args: [],
  options: [WEBHOOK_URL_OPTION, ...COMMON_OPTIONS],
  examples: [{ does: 'is anything waiting, and why?', line: 'recordupload webhook list' }],
  exits: ['usage', 'incomplete', 'interrupted', 'terminated'],
});
