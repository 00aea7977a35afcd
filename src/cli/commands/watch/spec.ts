import { describeCommand } from '../../program/command-spec.ts';
import {
  CONFIG_OPTION,
  PROGRESS_OPTIONS,
  SANDBOX_OPTION,
  TARGET_OPTIONS,
  TRANSFER_OPTIONS,
} from '../../program/common-options.ts';

export const watchSpec = describeCommand({
  name: 'watch',
  summary: 'upload recordings as soon as they are finished, and retry what has failed, until it is stopped',
  args: [{ name: '[root...]', purpose: 'look for recordings below these folders (default: watch.roots)' }],
  options: [
    ...TRANSFER_OPTIONS,
    ...PROGRESS_OPTIONS,
    ...TARGET_OPTIONS,
    { flags: '--dashboard', purpose: 'also serve the dashboard, at dashboard.listen' },
    SANDBOX_OPTION,
    CONFIG_OPTION,
    { flags: '--json', purpose: 'print each event as one line of JSON on stdout' },
    { flags: '-q, --quiet', purpose: 'print only what is lost or refused' },
  ],
  examples: [
    { does: 'upload what recorders write below a folder', line: 'recordupload watch /srv/recordings' },
    { does: 'only what is enqueued, and retries', line: 'recordupload watch' },
    { does: 'with the dashboard', line: 'recordupload watch /srv/recordings --dashboard' },
    { does: 'with a limit on the bandwidth', line: 'recordupload watch /srv/recordings --bwlimit 2M' },
  ],
  exits: ['usage', 'incomplete', 'busy', 'interrupted', 'terminated'],
  keepsHangUp: true,
});
