import { loadConfig } from '../../config/load-config.ts';
import { EXIT } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { type RunCommand, textOption } from '../program/command.ts';
import { originLines } from '../render-config.ts';
import { printable } from '../terminal/format.ts';

/** `recordupload config show` */
export const run: RunCommand = async ({ options, terminal, command }) => {
  const { cwd, env, out, document, err, paint } = terminal;
  const { origins, files, warnings, config } = await loadConfig({
    cwd,
    env,
    configFile: textOption(options, 'config'),
  });
  const told = [...warnings, ...(config.credentialsProblem === undefined ? [] : [config.credentialsProblem])];
  if (options.json) {
    const values = origins.map(({ path, value, secret, source, shadows }) => ({
      path,
      value,
      secret,
      source,
      shadows,
    }));
    document(jsonDocument(command, EXIT.done, { result: { values, files, warnings: told } }));
    return EXIT.done;
  }
  for (const warning of told) err(`${paint.err.yellow('warning:')} ${printable(warning)}`);
  out(originLines(origins, paint.out).join('\n'));
  return EXIT.done;
};
