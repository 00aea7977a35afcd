import { describeCommand } from '../../program/command-spec.ts';
import { COMMON_OPTIONS, TARGET_OPTIONS } from '../../program/common-options.ts';

export const verifySpec = describeCommand({
  name: 'verify',
  summary: 'compare a recording in the bucket with its folder, or with what was uploaded',
  args: [{ name: '<id|dir...>', purpose: 'a folder, or the ID of a recording in the bucket' }],
  options: [
    { flags: '--id <id>', purpose: "the folder's recording ID (default: the sidecar's, else the folder's name)" },
    { flags: '--full', purpose: 'read the objects back and recompute their checksums' },
    { flags: '--links', purpose: 'also open a link of the webhook, without credentials: can everybody?' },
    ...TARGET_OPTIONS,
    ...COMMON_OPTIONS,
  ],
  examples: [
    { does: 'before you delete the folder', line: 'recordupload verify recordings/42' },
    { does: 'from any machine, byte by byte', line: 'recordupload verify 42 --full' },
  ],
  exits: ['usage', 'recording', 'incomplete', 'changed', 'interrupted', 'terminated'],
});
