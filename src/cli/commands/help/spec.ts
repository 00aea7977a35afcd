import { describeCommand } from '../../program/command-spec.ts';

/** The parser prints the help itself; nothing runs. */
export const helpSpec = describeCommand({
  name: 'help',
  summary: 'print the help of a command',
  args: [{ name: '[command...]', purpose: 'the command (default: an overview of all)' }],
  options: [],
  examples: [{ does: 'the same as recordupload webhook test --help', line: 'recordupload help webhook test' }],
  exits: ['usage'],
});
