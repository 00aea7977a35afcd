import { describeCommand } from '../../program/command-spec.ts';

export const manSpec = describeCommand({
  name: 'man',
  summary: 'print the manual page',
  args: [],
  options: [],
  examples: [
    { does: 'read it', line: 'recordupload man | man -l -' },
    { does: 'install it', line: 'recordupload man > ~/.local/share/man/man1/recordupload.1' },
  ],
  exits: ['usage'],
});
