import { describeCommand } from '../../program/command-spec.ts';
import { COMMON_OPTIONS, HANDOVER_OPTIONS } from '../../program/common-options.ts';

export const enqueueSpec = describeCommand({
  name: 'enqueue',
  summary: 'hand recordings over and return at once; `watch` or `retry` uploads them',
  args: [{ name: '<dir...>', purpose: 'folders with a video; one that is not finished yet waits' }],
  options: [
    { flags: '--recursive', purpose: 'hand over all recordings below these folders' },
    ...HANDOVER_OPTIONS,
    { flags: '--finished', purpose: 'the recorder has closed its files: do not look whether they are still written' },
    ...COMMON_OPTIONS,
  ],
  examples: [
    { does: 'at the end of a recording', line: 'recordupload enqueue recordings/42' },
    { does: 'say more about it', line: 'recordupload enqueue recordings/42 --title "Weekly meeting"' },
    { does: 'see what waits, and why', line: 'recordupload status' },
  ],
  exits: ['usage', 'incomplete', 'interrupted', 'terminated'],
});
