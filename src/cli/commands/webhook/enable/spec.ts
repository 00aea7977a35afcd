import { describeCommand } from '../../../program/command-spec.ts';
import { COMMON_OPTIONS, ENDPOINT_ARGUMENT, WEBHOOK_URL_OPTION } from '../../../program/common-options.ts';

export const webhookEnableSpec = describeCommand({
  name: 'webhook enable',
  summary: 'send webhooks to a disabled endpoint again',
  args: [ENDPOINT_ARGUMENT],
  options: [WEBHOOK_URL_OPTION, ...COMMON_OPTIONS],
  examples: [
    { does: 'after the server answered 410 and you corrected the URL', line: 'recordupload webhook enable default' },
  ],
  exits: ['usage', 'incomplete', 'interrupted', 'terminated'],
});
