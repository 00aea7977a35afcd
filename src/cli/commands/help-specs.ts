import type { CommandSpec } from '../program/command.ts';
import { SHELLS } from '../program/shells.ts';

/** What tells about the others. `help` itself is the parser's. */
export const HELP_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'completion',
    summary: 'print a script that completes commands, options, recordings and endpoints',
    args: [
      { name: '<shell>', purpose: SHELLS.join(', ') },
      { name: '[word...]', purpose: 'print what completes these words; the scripts call this' },
    ],
    options: [],
    examples: [
      { does: 'bash', line: 'echo \'eval "$(recordupload completion bash)"\' >> ~/.bashrc' },
      { does: 'zsh', line: 'recordupload completion zsh > $fpath[1]/_recordupload' },
      { does: 'fish', line: 'recordupload completion fish > ~/.config/fish/completions/recordupload.fish' },
      { does: 'PowerShell', line: 'recordupload completion powershell >> $PROFILE' },
    ],
    exits: ['usage'],
    load: () => import('./completion.ts'),
  },
  {
    name: 'man',
    summary: 'print the manual page',
    args: [],
    options: [],
    examples: [
      { does: 'read it', line: 'recordupload man | man -l -' },
      { does: 'install it', line: 'recordupload man > ~/.local/share/man/man1/recordupload.1' },
    ],
    exits: ['usage'],
    load: () => import('./man.ts'),
  },
  {
    name: 'help',
    summary: 'print the help of a command',
    args: [{ name: '[command...]', purpose: 'the command; else the overview' }],
    options: [],
    examples: [{ does: 'the same as recordupload webhook test --help', line: 'recordupload help webhook test' }],
    exits: ['usage'],
    load: async () => ({ run: async () => 0 }),
  },
];
