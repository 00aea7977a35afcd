import { describeCommand } from '../../program/command-spec.ts';
import { CONFIG_OPTION } from '../../program/common-options.ts';

export const dashboardSpec = describeCommand({
  name: 'dashboard',
  summary: 'serve a page that shows all this, and acts on it',
  args: [],
  options: [
    { flags: '--listen <address>', purpose: 'address and port, or the port alone (default: 127.0.0.1:8707)' },
    { flags: '--read-only', purpose: 'show everything, and change nothing' },
    { flags: '--no-open', purpose: 'do not open the browser' },
    CONFIG_OPTION,
    { flags: '--json', purpose: 'print the address as one JSON document' },
  ],
  examples: [
    { does: 'look and act, in your browser', line: 'recordupload dashboard' },
    { does: 'for a screen on the wall', line: 'recordupload dashboard --read-only --no-open' },
    { does: 'from another machine', line: 'ssh -L 8707:127.0.0.1:8707 host recordupload dashboard --no-open' },
  ],
  exits: ['usage', 'incomplete', 'interrupted', 'terminated'],
});
