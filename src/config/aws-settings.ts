import { displayPath } from './paths.ts';
import type { AwsProfile } from './sources/aws-profile.ts';
import type { Variables } from './sources/environment.ts';
import type { Setting } from './sources/setting.ts';

/**
 * The region and the endpoint that a profile sets. They count as in the AWS tools, after the AWS variables; whatever sets
 * our own keys beats both. https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 * @param named the setting that names the profile
 */
export function settingsFromProfile(
  { name, files, values, services, fileOf }: AwsProfile,
  named: Setting,
  cwd: string,
  problems: string[],
): Setting[] {
  const settings: Setting[] = [];
  const add = (path: string, value: string | undefined, file: string, key: string) => {
    if (value === undefined) return;
    const where = `${displayPath(file, cwd)}: profile ${name}: ${key}`;
    settings.push({
      path,
      value,
      level: 'aws',
      source: sourceOf(name, named),
      where,
      trust: 'operator',
      file,
      folder: cwd,
    });
  };
  add('region', values.region, fileOf('region'), 'region');
  if (values.services !== undefined && !services) {
    const file = displayPath(fileOf('services'), cwd);
    problems.push(`${file}: profile ${name}: services: there is no section [services ${values.services}]`);
  }
  add('endpoint', services?.['s3.endpoint_url'], files.config, `services ${values.services}: s3: endpoint_url`);
  add('endpoint', values.endpoint_url, fileOf('endpoint_url'), 'endpoint_url');
  return settings;
}

/** The source of a value from a profile, as `config show` and messages print it. */
export function sourceOf(profile: string, named: Setting): string {
  return `profile ${profile} (${named.source})`;
}

/** Whether the user has switched off the endpoints of the AWS tools, including those from variables. */
export function ignoresEndpoints(variables: readonly Variables[], profile: AwsProfile | undefined): boolean {
  const [variable] = variables.flatMap(({ values }) => values.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS || []);
  return (variable ?? profile?.values.ignore_configured_endpoint_urls)?.toLowerCase() === 'true';
}
