import { describeCommand } from '../../../program/command-spec.ts';
import { COMMON_OPTIONS } from '../../../program/common-options.ts';

export const stateMoveSpec = describeCommand({
  name: 'state move',
  summary: "move this machine's state from SQLite into PostgreSQL (stateUrl), or back",
  args: [],
  options: [
    { flags: '--to <where>', purpose: 'where the state is afterwards', choices: ['postgres', 'sqlite'] },
    { flags: '-n, --dry-run', purpose: 'count what would be moved; move nothing' },
    ...COMMON_OPTIONS,
  ],
  examples: [
    { does: 'see how much it is', line: 'recordupload state move --to postgres --dry-run' },
    { does: 'move it, once nothing works on it', line: 'recordupload state move --to postgres' },
    { does: 'take it back', line: 'recordupload state move --to sqlite' },
  ],
  exits: ['usage', 'recording', 'incomplete', 'busy', 'changed', 'interrupted', 'terminated'],
});
