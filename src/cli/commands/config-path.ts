import { locateFiles } from '../../config/locate-files.ts';
import { EXIT } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { type RunCommand, textOption } from '../program/command.ts';
import { locationLines } from '../render-config.ts';

/** `recordupload config path` */
export const run: RunCommand = async ({ options, terminal, command }) => {
  const { cwd, env, out, document, err, paint } = terminal;
  const found = await locateFiles({ cwd, env, configFile: textOption(options, 'config') });
  const { problems, ...result } = found;
  if (options.json) {
    document(jsonDocument(command, EXIT.done, { result }));
    return EXIT.done;
  }
  out(locationLines(found, paint.out).join('\n'));
  if (problems.length > 0) err(`${paint.err.yellow('warning:')} something is wrong: recordupload config validate`);
  return EXIT.done;
};
