import { describeCommand } from '../../program/command-spec.ts';
import { COMMON_OPTIONS, MACHINE_OPTION, SANDBOX_OPTION, TARGET_OPTIONS } from '../../program/common-options.ts';

export const doctorSpec = describeCommand({
  name: 'doctor',
  summary: 'check this machine, the configuration, the bucket and the recordings server',
  args: [],
  options: [
    {
      flags: '--webhook-test',
      purpose: 'also send the marked test payload; the server stores it as recording 999',
    },
    SANDBOX_OPTION,
    ...TARGET_OPTIONS,
    MACHINE_OPTION,
    ...COMMON_OPTIONS,
  ],
  examples: [
    {
      does: 'see what is wrong and how to fix it; exit status 2: setup, 4: state or bucket, 5: webhook',
      line: 'recordupload doctor',
    },
    { does: 'after an installation, including the webhook', line: 'recordupload doctor --webhook-test' },
  ],
  exits: ['usage', 'incomplete', 'webhook', 'interrupted', 'terminated'],
});
