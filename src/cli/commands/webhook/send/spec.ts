import { describeCommand } from '../../../program/command-spec.ts';
import { COMMON_OPTIONS, ENDPOINT_OPTION, RECORDING_OPTIONS, TARGET_OPTIONS } from '../../../program/common-options.ts';

export const webhookSendSpec = describeCommand({
  name: 'webhook send',
  summary: 'tell the server about a recording that is in the bucket',
  args: [{ name: '<id>', purpose: 'the recording, uploaded from this machine or another' }],
  options: [
    ...RECORDING_OPTIONS,
    ENDPOINT_OPTION,
    { flags: '-n, --dry-run', purpose: 'show the payload; send nothing' },
    ...TARGET_OPTIONS,
    ...COMMON_OPTIONS,
  ],
  examples: [
    { does: 'send it (again)', line: 'recordupload webhook send 42' },
    { does: 'see what would be sent', line: 'recordupload webhook send 42 --dry-run' },
  ],
  exits: ['usage', 'recording', 'incomplete', 'webhook', 'interrupted', 'terminated'],
});
