import { describeCommand } from '../../../program/command-spec.ts';
import { COMMON_OPTIONS, ENDPOINT_OPTION, WEBHOOK_URL_OPTION } from '../../../program/common-options.ts';

export const webhookDiscardSpec = describeCommand({
  name: 'webhook discard',
  summary: 'end webhooks of a recording that wait or are held; they are never sent',
  args: [{ name: '<id>', purpose: 'the recording' }],
  options: [ENDPOINT_OPTION, WEBHOOK_URL_OPTION, ...COMMON_OPTIONS],
  examples: [
    { does: 'the user has left: the server will never accept it', line: 'recordupload webhook discard 42' },
    {
      does: 'only the webhook to an endpoint that no longer exists',
      line: 'recordupload webhook discard 42 --endpoint ops',
    },
  ],
  exits: ['usage', 'incomplete', 'busy', 'interrupted', 'terminated'],
});
