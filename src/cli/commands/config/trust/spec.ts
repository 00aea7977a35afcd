import { describeCommand } from '../../../program/command-spec.ts';
import { JSON_OPTION } from '../../../program/common-options.ts';

export const configTrustSpec = describeCommand({
  name: 'config trust',
  summary: 'let a configuration file of a folder decide where secrets go',
  args: [{ name: '[file...]', purpose: 'the files (default: those of this folder)' }],
  options: [
    { flags: '--list', purpose: 'show the trusted files, and whether they have changed since' },
    { flags: '--remove', purpose: 'trust these files no longer' },
    JSON_OPTION,
  ],
  examples: [
    { does: 'trust the files of this folder, until they change', line: 'recordupload config trust' },
    { does: 'which files are trusted?', line: 'recordupload config trust --list' },
    { does: 'trust one no longer', line: 'recordupload config trust --remove .recorduploadrc' },
  ],
  exits: ['usage'],
});
