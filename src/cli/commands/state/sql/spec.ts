import { describeCommand } from '../../../program/command-spec.ts';
import { CONFIG_OPTION } from '../../../program/common-options.ts';

export const stateSqlSpec = describeCommand({
  name: 'state sql',
  summary: "print the SQL that makes or upgrades a fleet's schema in PostgreSQL",
  args: [],
  options: [{ flags: '--role <name>', purpose: 'who uses it (default: the user of stateUrl)' }, CONFIG_OPTION],
  examples: [
    { does: 'make it', line: 'recordupload state sql | psql -d recordupload' },
    { does: 'for another role', line: 'recordupload state sql --role recorders > schema.sql' },
  ],
  exits: ['usage'],
});
