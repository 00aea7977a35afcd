import { type LoadedConfig, loadConfig } from '../../config/load-config.ts';
import { AppError } from '../../core/errors.ts';
import { EXIT } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { type RunCommand, textOption } from '../program/command.ts';
import { printable } from '../terminal/format.ts';

/** `recordupload config validate [file]` */
export const run: RunCommand = async ({ args, options, terminal, command }) => {
  const { cwd, env, out, document, err, paint } = terminal;
  const checked = await check({ cwd, env, configFile: args[0] ?? textOption(options, 'config') });
  const { problems, warnings, missing } = checked;
  const valid = problems.length === 0;
  const exitCode = valid ? EXIT.done : EXIT.usage;
  if (options.json) {
    const error = { code: 'CONFIG', message: problems.join('\n') };
    document(
      jsonDocument(command, exitCode, { result: { valid, problems, warnings, missing }, ...(valid ? {} : { error }) }),
    );
    return exitCode;
  }
  for (const problem of problems) err(printable(problem));
  if (options.quiet || !valid) return exitCode;
  for (const warning of warnings) err(`${paint.err.yellow('warning:')} ${printable(warning)}`);
  out(`${paint.out.green('✔')} the configuration is valid`);
  for (const what of missing) out(`  not configured: ${what}`);
  return exitCode;
};

interface Checked {
  problems: string[];
  warnings: string[];
  /** What uploads or webhooks cannot do without. */
  missing: string[];
}

async function check(options: Parameters<typeof loadConfig>[0]): Promise<Checked> {
  try {
    const loaded = await loadConfig(options);
    return { problems: [], warnings: loaded.warnings, missing: missingOf(loaded) };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'CONFIG') throw error;
    return { problems: error.message.split('\n'), warnings: [], missing: [] };
  }
}

function missingOf({ config }: LoadedConfig): string[] {
  return [
    ...(config.credentials ? [] : [config.credentialsProblem ?? 'access keys for the bucket']),
    ...config.webhooks.flatMap(({ name, token }) => (token === undefined ? [`the token of the webhook ${name}`] : [])),
    ...(config.user.email === undefined ? ['user.email'] : []),
  ];
}
