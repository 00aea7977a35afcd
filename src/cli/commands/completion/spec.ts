import { describeCommand } from '../../program/command-spec.ts';
import { SHELLS } from '../../program/shells.ts';

export const completionSpec = describeCommand({
  name: 'completion',
  summary: 'print a shell script that completes commands, options, recordings and endpoints',
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
});
