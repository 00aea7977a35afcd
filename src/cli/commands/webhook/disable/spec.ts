import { describeCommand } from '../../../program/command-spec.ts';
import { COMMON_OPTIONS, ENDPOINT_ARGUMENT, WEBHOOK_URL_OPTION } from '../../../program/common-options.ts';

export const webhookDisableSpec = describeCommand({
  name: 'webhook disable',
  summary: 'keep the webhooks of an endpoint back until it is enabled',
  args: [ENDPOINT_ARGUMENT],
  options: [WEBHOOK_URL_OPTION, ...COMMON_OPTIONS],
  examples: [{ does: 'while the server is being moved', line: 'recordupload webhook disable default' }],
  exits: ['usage', 'incomplete', 'interrupted', 'terminated'],
});
