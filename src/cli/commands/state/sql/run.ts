import { stateSql } from '../../../../app/open-fleet.ts';
import { loadConfig } from '../../../../config/load-config.ts';
import { EXIT } from '../../../exit-codes.ts';
import type { RunCommand } from '../../../program/command.ts';
import type { stateSqlSpec } from './spec.ts';

/** `recordupload state sql` */
export const run: RunCommand<typeof stateSqlSpec> = async ({ options, terminal }) => {
  const { cwd, env } = terminal;
  const { config } = await loadConfig({ cwd, env, configFile: options.config, withoutSecrets: true });
  terminal.document((await stateSql(config, options.role)).trimEnd());
  return EXIT.done;
};
