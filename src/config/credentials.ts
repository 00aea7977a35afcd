import type { Config } from './config.ts';
import { type Origin, originOf } from './origins.ts';
import type { Machine } from './paths.ts';
import { flawOfToken } from './secret-text.ts';
import { type FoundSecret, findSecret, secretOrigin, stronger } from './secrets.ts';
import { readAwsProfile } from './sources/aws-profile.ts';
import { outranks, type Setting, settingsOf } from './sources/setting.ts';

/** The keys for the bucket, or why those configured cannot be used; neither where none are configured. */
export interface Credentials {
  credentials: Config['credentials'];
  credentialsProblem: string | undefined;
  origins: Origin[];
}

/**
 * Finds the keys. A profile beats keys from the same variables (as in the AWS SDKs) and from weaker sources; keys from a
 * stronger source beat the profile. Nothing else is tried: no default profile, no instance metadata.
 */
export async function resolveCredentials(
  settings: readonly Setting[],
  cwd: string,
  machine: Machine,
  problems: string[],
): Promise<Credentials> {
  const find = (name: string, forms: string[], credential?: string) =>
    findSecret({ name, forms, credential, flawOf: flawOfToken }, settingsOf(settings, ...forms), machine, problems);
  const id = await find('accessKeyId', ['accessKeyId', 'accessKeyIdFile'], 'access-key-id');
  const secret = await find('secretAccessKey', ['secretAccessKey', 'secretAccessKeyFile'], 'secret-access-key');
  const session = await find('sessionToken', ['sessionToken']);
  const profiles = settingsOf(settings, 'awsProfile');
  const profileOrigin = originOf('awsProfile', profiles[0]?.value, profiles);
  const found = [id, secret].filter(one => one !== undefined);

  const [profile] = profiles;
  const rival = profile && found.find(one => one.setting?.level === profile.level && !isAwsVariable(one.setting));
  if (profile && rival) {
    problems.push(
      `${rival.origin.path}: two sources for one secret, ${rival.origin.source} and ${profile.source}: keep one`,
    );
  }
  if (profile && !found.some(one => outranks(one.level, profile.level))) {
    const read = await readAwsProfile(String(profile.value), cwd, machine);
    const shadow = (name: string, one: FoundSecret | undefined): Origin => ({
      path: name,
      value: read.ok ? 'set' : 'unset',
      secret: true,
      source: `profile ${String(profile.value)} (${profile.source})`,
      shadows: one ? [one.origin.source, ...one.origin.shadows] : [],
    });
    return {
      credentials: read.ok ? read.keys : undefined,
      credentialsProblem: read.ok ? undefined : read.flaw,
      origins: [shadow('accessKeyId', id), shadow('secretAccessKey', secret), profileOrigin],
    };
  }

  const origins = [secretOrigin('accessKeyId', id), secretOrigin('secretAccessKey', secret)];
  const [accessKeyId] = id?.values ?? [];
  const [secretAccessKey] = secret?.values ?? [];
  if (!id || !secret || accessKeyId === undefined || secretAccessKey === undefined) {
    const [have, lack] = id ? ['accessKeyId', 'secretAccessKey'] : ['secretAccessKey', 'accessKeyId'];
    const [half] = found;
    const credentialsProblem = half && `${have} is set (${half.origin.source}), but ${lack} is not`;
    return { credentials: undefined, credentialsProblem, origins: [...origins, profileOrigin] };
  }
  // A session token belongs to the keys it was issued with; with others it only makes the request fail.
  const belongs = session !== undefined && session.level === stronger(id.level, secret.level);
  return {
    credentials: { accessKeyId, secretAccessKey, sessionToken: belongs ? session.values[0] : undefined },
    credentialsProblem: undefined,
    origins: [...origins, secretOrigin('sessionToken', belongs ? session : undefined), profileOrigin],
  };
}

function isAwsVariable(setting: Setting): boolean {
  return setting.variable?.startsWith('AWS_') === true;
}
