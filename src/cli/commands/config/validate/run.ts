import { type LoadedConfig, loadConfig } from '../../../../config/load-config.ts';
import { AppError } from '../../../../core/errors.ts';
import { printable } from '../../../../core/text.ts';
import { EXIT } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import type { RunCommand } from '../../../program/command.ts';
import type { ValidationJson } from './json.ts';
import type { configValidateSpec } from './spec.ts';

/** `recordupload config validate [file]` */
export const run: RunCommand<typeof configValidateSpec> = async ({ args, options, terminal, command }) => {
  const { cwd, env, out, document, err, paint } = terminal;
  const result = await check({ cwd, env, configFile: args[0] ?? options.config });
  const { valid, problems, warnings, missing } = result;
  const exitCode = valid ? EXIT.done : EXIT.usage;
  if (options.json) {
    const error = { code: 'CONFIG', message: problems.join('\n') };
    document(jsonDocument(command, exitCode, { result, ...(valid ? {} : { error }) }));
    return exitCode;
  }
  for (const problem of problems) err(printable(problem));
  if (options.quiet || !valid) return exitCode;
  for (const warning of warnings) err(`${paint.err.yellow('warning:')} ${printable(warning)}`);
  out(`${paint.out.green('✔')} the configuration is valid`);
  for (const what of missing) out(`  not configured: ${printable(what)}`);
  return exitCode;
};

async function check(options: Parameters<typeof loadConfig>[0]): Promise<ValidationJson> {
  try {
    const loaded = await loadConfig(options);
    return { valid: true, problems: [], warnings: loaded.warnings, missing: missingOf(loaded) };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'CONFIG') throw error;
    return { valid: false, problems: error.message.split('\n'), warnings: [], missing: [] };
  }
}

function missingOf({ config }: LoadedConfig): string[] {
  return [
    ...(config.credentials ? [] : [config.credentialsProblem ?? 'access keys for the bucket']),
    ...config.webhooks.flatMap(({ name, token }) => (token === undefined ? [`the token of the webhook ${name}`] : [])),
    ...(config.user.email === undefined ? ['user.email'] : []),
  ];
}
