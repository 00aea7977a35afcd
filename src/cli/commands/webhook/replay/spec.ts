import { describeCommand } from '../../../program/command-spec.ts';
import { COMMON_OPTIONS, ENDPOINT_OPTION, WEBHOOK_URL_OPTION } from '../../../program/common-options.ts';

export const webhookReplaySpec = describeCommand({
  name: 'webhook replay',
  summary: 'send webhooks again that were delivered in a period of time',
  args: [],
  options: [
    { flags: '--since <time>', purpose: 'start of the period: 2h or 3d (ago), 2026-01-31T14:00 (local time)' },
    { flags: '--until <time>', purpose: 'end of the period (default: now)' },
    { flags: '--held', purpose: 'webhooks that have been held since then, instead of delivered ones' },
    ENDPOINT_OPTION,
    { flags: '--yes', purpose: 'do not ask; needed without a terminal' },
    { flags: '-n, --dry-run', purpose: 'show what would be sent; send nothing' },
    WEBHOOK_URL_OPTION,
    ...COMMON_OPTIONS,
  ],
  examples: [
    {
      does: 'the server lost a day: see what would be sent',
      line: 'recordupload webhook replay --since 1d --dry-run',
    },
    {
      does: 'send it',
      line: 'recordupload webhook replay --since 2026-01-31T08:00 --until 2026-01-31T20:00',
    },
  ],
  exits: ['usage', 'incomplete', 'webhook', 'interrupted', 'terminated'],
});
