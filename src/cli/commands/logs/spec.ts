import { LEVELS, type LogLevel } from '../../../app/logs/log-entry.ts';
import { AppError } from '../../../core/errors.ts';
import { describeCommand } from '../../program/command-spec.ts';
import { COMMON_OPTIONS } from '../../program/common-options.ts';
import { parseCount } from '../../program/parse-count.ts';

export const logsSpec = describeCommand({
  name: 'logs',
  summary: 'read the log: what was uploaded, sent and refused, and when',
  args: [],
  options: [
    { flags: '--id <id>', purpose: 'only lines about this recording' },
    {
      flags: '--level <level>',
      purpose: 'only lines that are at least this serious: info, warn, error',
      parse: parseLevel,
    },
    { flags: '--lines <n>', purpose: 'the newest n lines (default: 50)', parse: parseCount },
    { flags: '--follow', purpose: 'continue with new lines as they are written, until Ctrl-C' },
    ...COMMON_OPTIONS,
  ],
  examples: [
    { does: 'see what went wrong lately', line: 'recordupload logs --level warn' },
    { does: 'everything about one recording', line: 'recordupload logs --id 42 --lines 1000' },
    { does: 'watch new lines', line: 'recordupload logs --follow' },
  ],
  exits: ['usage', 'incomplete'],
});

function parseLevel(text: string, flag: string): LogLevel {
  const level = LEVELS.find(one => one === text);
  if (level) return level;
  throw new AppError('USAGE', `${flag}: ${JSON.stringify(text)} is not a level`, { hint: `use ${LEVELS.join(', ')}` });
}
