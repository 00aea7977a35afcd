import { locateFiles } from '../../../../config/locate-files.ts';
import { EXIT } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import type { RunCommand } from '../../../program/command.ts';
import { locationsJson } from './json.ts';
import type { configPathSpec } from './spec.ts';
import { locationLines } from './text.ts';

/** `recordupload config path` */
export const run: RunCommand<typeof configPathSpec> = async ({ options, terminal, command }) => {
  const { cwd, env, out, document, err, paint } = terminal;
  const found = await locateFiles({ cwd, env, configFile: options.config });
  if (options.json) {
    document(jsonDocument(command, EXIT.done, { result: locationsJson(found) }));
    return EXIT.done;
  }
  out(locationLines(found, paint.out).join('\n'));
  if (found.problems.length > 0)
    err(`${paint.err.yellow('warning:')} the configuration has problems: recordupload config validate`);
  return EXIT.done;
};
