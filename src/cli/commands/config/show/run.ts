import { loadConfig } from '../../../../config/load-config.ts';
import { printable } from '../../../../core/text.ts';
import { EXIT } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import type { RunCommand } from '../../../program/command.ts';
import { configValuesJson } from './json.ts';
import type { configShowSpec } from './spec.ts';
import { originLines } from './text.ts';

/** `recordupload config show` */
export const run: RunCommand<typeof configShowSpec> = async ({ options, terminal, command }) => {
  const { cwd, env, out, document, err, paint } = terminal;
  const loaded = await loadConfig({ cwd, env, configFile: options.config, evenUntrusted: true });
  const { credentialsProblem } = loaded.config;
  const warnings = [
    ...loaded.distrusted,
    ...loaded.warnings,
    ...(credentialsProblem === undefined ? [] : [credentialsProblem]),
  ];
  if (options.json) {
    document(jsonDocument(command, EXIT.done, { result: configValuesJson({ ...loaded, warnings }) }));
    return EXIT.done;
  }
  for (const warning of warnings) err(`${paint.err.yellow('warning:')} ${printable(warning)}`);
  out(originLines(loaded.origins, paint.out).join('\n'));
  return EXIT.done;
};
