import { describeCommand } from '../../../program/command-spec.ts';
import { COMMON_OPTIONS, ENDPOINT_OPTION, SANDBOX_OPTION, TARGET_OPTIONS } from '../../../program/common-options.ts';

export const webhookTestSpec = describeCommand({
  name: 'webhook test',
  summary: 'check that the webhook integration works',
  args: [],
  options: [
    { flags: '--id <id>', purpose: 'recording ID in the test payload (default: 999)' },
    { flags: '--email <address>', purpose: "the user's e-mail address in the test payload" },
    { flags: '--unauthorized', purpose: 'send the test without the token; succeed only if the server answers 401' },
    ENDPOINT_OPTION,
    SANDBOX_OPTION,
    ...TARGET_OPTIONS,
    ...COMMON_OPTIONS,
  ],
  examples: [
    { does: 'does the server accept our webhooks?', line: 'recordupload webhook test' },
    { does: 'does it refuse webhooks without a token?', line: 'recordupload webhook test --unauthorized' },
  ],
  exits: ['usage', 'webhook', 'interrupted', 'terminated'],
});
