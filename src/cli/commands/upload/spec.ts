import { describeCommand } from '../../program/command-spec.ts';
import {
  COMMON_OPTIONS,
  HANDOVER_OPTIONS,
  PROGRESS_OPTIONS,
  SANDBOX_OPTION,
  SETTLE_OPTIONS,
  TARGET_OPTIONS,
  TRANSFER_OPTIONS,
} from '../../program/common-options.ts';

export const uploadSpec = describeCommand({
  name: 'upload',
  summary: 'upload recordings and tell the recordings server',
  args: [{ name: '<dir...>', purpose: 'folders with a video, a thumbnail and a transcript' }],
  options: [
    { flags: '--recursive', purpose: 'upload all recordings below these folders' },
    ...HANDOVER_OPTIONS,
    { flags: '--strict', purpose: 'exit with 5 if the webhook was not delivered' },
    { flags: '--detach', purpose: 'return at once, as `enqueue` does; `watch` or `retry` uploads it' },
    { flags: '-n, --dry-run', purpose: 'show what would be sent; send and write nothing' },
    ...SETTLE_OPTIONS,
    ...TARGET_OPTIONS,
    ...TRANSFER_OPTIONS,
    ...PROGRESS_OPTIONS,
    SANDBOX_OPTION,
    ...COMMON_OPTIONS,
  ],
  examples: [
    { does: "upload a recording; its ID is the folder's name", line: 'recordupload upload recordings/42' },
    { does: 'upload all recordings below a folder', line: 'recordupload upload --recursive recordings' },
    { does: 'see what would be sent', line: 'recordupload upload recordings/42 --dry-run' },
    { does: 'try it without any account', line: 'recordupload upload recordings/42 --sandbox' },
  ],
  exits: ['usage', 'recording', 'incomplete', 'webhook', 'busy', 'changed', 'interrupted', 'terminated'],
});
