import { keysOfProfile } from './aws-credentials.ts';
import { sourceOf } from './aws-settings.ts';
import type { Config } from './config.ts';
import { type Origin, originOf } from './origins.ts';
import type { Machine } from './paths.ts';
import { flawOfToken } from './secret-text.ts';
import { type FoundSecret, findSecret, secretOrigin, stronger, usesOf } from './secrets.ts';
import type { ReadProfile } from './sources/aws-profile.ts';
import { outranks, type Setting, settingsOf } from './sources/setting.ts';
import type { SecretUse } from './trust/steering.ts';

/** The keys for the bucket, or the reason why the configured ones cannot be used. Both are undefined if none are configured. */
export interface Credentials extends Pick<Config, 'credentials' | 'credentialsProblem'> {
  origins: Origin[];
  /** The keys that were found. */
  secrets: SecretUse[];
}

/** Everything that `resolveCredentials` looks at. */
export interface CredentialSources {
  settings: readonly Setting[];
  /** The configured AWS profile as it was read; undefined if none is configured. */
  profile: ReadProfile | undefined;
  machine: Machine;
  problems: string[];
  /** Gets one line for each value that counts only if its file is trusted. */
  distrusted: string[];
  /** Gets one line for each secret that another source sets as well, in another form. */
  warnings: string[];
}

/**
 * Finds the access keys. A profile overrides keys from the same or a weaker source, as in the AWS SDKs; keys from a
 * stronger source override the profile. The default profile and instance metadata are never used.
 */
export async function resolveCredentials(sources: CredentialSources): Promise<Credentials> {
  const { settings, profile, machine, problems, distrusted, warnings } = sources;
  const find = (name: string, forms: string[], credential?: string) =>
    findSecret({ name, forms, credential, flawOf: flawOfToken }, settingsOf(settings, ...forms), machine, {
      problems,
      distrusted,
      warnings,
    });
  const id = await find('accessKeyId', ['accessKeyId', 'accessKeyIdFile'], 'access-key-id');
  const secret = await find('secretAccessKey', ['secretAccessKey', 'secretAccessKeyFile'], 'secret-access-key');
  const session = await find('sessionToken', ['sessionToken']);
  const profiles = settingsOf(settings, 'awsProfile');
  const profileOrigin = originOf('awsProfile', profiles[0]?.value, profiles);
  const found = [id, secret].filter(one => one !== undefined);

  const [named] = profiles;
  const rival = named && found.find(one => one.setting?.level === named.level && !isAwsVariable(one.setting));
  if (named && rival) {
    problems.push(
      `${rival.origin.path}: two sources for one secret, ${rival.origin.source} and ${named.source}: keep one`,
    );
  }
  if (named && !found.some(one => outranks(one.level, named.level))) {
    const { credentials, credentialsProblem } = keysOfProfile(profile);
    const shadow = (name: string, one: FoundSecret | undefined): Origin => ({
      path: name,
      value: credentials ? 'set' : 'unset',
      secret: true,
      source: sourceOf(String(named.value), named),
      trust: named.trust,
      shadows: one ? [one.origin.source, ...one.origin.shadows] : [],
    });
    return {
      credentials,
      credentialsProblem,
      origins: [shadow('accessKeyId', id), shadow('secretAccessKey', secret), profileOrigin],
      secrets: [{ name: 'secretAccessKey', source: sourceOf(String(named.value), named), setting: named }],
    };
  }

  const origins = [secretOrigin('accessKeyId', id), secretOrigin('secretAccessKey', secret)];
  const [accessKeyId] = id?.values ?? [];
  const [secretAccessKey] = secret?.values ?? [];
  if (!id || !secret || accessKeyId === undefined || secretAccessKey === undefined) {
    const [have, lack] = id ? ['accessKeyId', 'secretAccessKey'] : ['secretAccessKey', 'accessKeyId'];
    const [half] = found;
    const credentialsProblem = half && `${have} is set (${half.origin.source}), but ${lack} is not`;
    return {
      credentials: undefined,
      credentialsProblem,
      origins: [...origins, profileOrigin],
      secrets: usesOf(id, secret),
    };
  }
  // A session token belongs to the keys it was issued with; with others it only makes the request fail.
  const belongs = session !== undefined && session.level === stronger(id.level, secret.level);
  return {
    credentials: { accessKeyId, secretAccessKey, sessionToken: belongs ? session.values[0] : undefined },
    credentialsProblem: undefined,
    origins: [...origins, secretOrigin('sessionToken', belongs ? session : undefined), profileOrigin],
    secrets: usesOf(id, secret, belongs ? session : undefined),
  };
}

function isAwsVariable(setting: Setting): boolean {
  return setting.variable?.startsWith('AWS_') === true;
}
