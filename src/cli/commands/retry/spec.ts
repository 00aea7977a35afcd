import { describeCommand } from '../../program/command-spec.ts';
import {
  COMMON_OPTIONS,
  ENDPOINT_OPTION,
  PROGRESS_OPTIONS,
  TARGET_OPTIONS,
  TRANSFER_OPTIONS,
} from '../../program/common-options.ts';

export const retrySpec = describeCommand({
  name: 'retry',
  summary: 'finish unfinished uploads and send webhooks that are due',
  args: [{ name: '[id...]', purpose: 'only these recordings' }],
  options: [
    { flags: '--now', purpose: 'also send webhooks that are not due yet' },
    { flags: '--held', purpose: 'also send webhooks that are held' },
    { flags: '--list', purpose: 'show what there is to do, and do nothing' },
    ENDPOINT_OPTION,
    ...TRANSFER_OPTIONS,
    ...PROGRESS_OPTIONS,
    ...TARGET_OPTIONS,
    ...COMMON_OPTIONS,
  ],
  examples: [
    { does: 'from cron, every five minutes', line: '*/5 * * * * recordupload retry --quiet' },
    { does: 'send webhooks that are held, once you have fixed the cause', line: 'recordupload retry --held' },
    { does: 'see what is waiting', line: 'recordupload retry --list' },
  ],
  exits: ['usage', 'recording', 'incomplete', 'webhook', 'changed', 'interrupted', 'terminated'],
});
