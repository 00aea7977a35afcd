import { maskedUrl } from '../../core/redact.ts';
import { shellQuoted } from '../../core/text.ts';

/** The options that say which configuration a command uses. */
export interface ConfigurationOptions {
  readonly config?: string | undefined;
  readonly bucket?: string | undefined;
  readonly endpointUrl?: string | undefined;
  readonly webhookUrl?: string | undefined;
}

/**
 * A command to run next. It gets the options that this one had for its configuration: without them it would look
 * elsewhere.
 */
export function nextCommand(
  command: string,
  { config, bucket, endpointUrl, webhookUrl }: ConfigurationOptions,
): string {
  const given = {
    '--config': config,
    '--bucket': bucket,
    '--endpoint-url': endpointUrl,
    '--webhook-url': webhookUrl && maskedUrl(webhookUrl),
  };
  const options = Object.entries(given).flatMap(([flag, value]) =>
    value === undefined ? [] : [flag, shellQuoted(value)],
  );
  return ['recordupload', command, ...options].join(' ');
}
