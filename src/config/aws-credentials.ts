import { shellQuoted } from '../core/shell-quoted.ts';
import type { Keys } from '../core/storage/keys.ts';
import type { Config } from './config.ts';
import type { AwsProfile, ReadProfile } from './sources/aws-profile.ts';

/**
 * Returns a profile's keys or how to get them, or the reason why there are none.
 * @param read undefined if no profile is configured
 */
export function keysOfProfile(read: ReadProfile | undefined): Pick<Config, 'credentials' | 'credentialsProblem'> {
  if (!read?.ok) return { credentials: undefined, credentialsProblem: read?.flaw };
  const { name, files, values, chain } = read.profile;
  const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey, region } = values;
  // The keys in a profile with a role are those that ask for the role.
  if (accessKeyId && secretAccessKey && values.role_arn === undefined) {
    const keys: Keys = { accessKeyId, secretAccessKey, sessionToken: values.aws_session_token || undefined };
    return { credentials: keys, credentialsProblem: undefined };
  }
  const flaw = flawOfGiver(read.profile);
  if (flaw !== undefined) {
    return { credentials: undefined, credentialsProblem: `AWS profile ${JSON.stringify(name)}: ${flaw}` };
  }
  const program = chain.find(one => one.values.credential_process !== undefined)?.values.credential_process;
  const credentials = { profile: name, files, region, program, signIn: signInOf(chain) };
  return { credentials, credentialsProblem: undefined };
}

function signInOf(chain: AwsProfile['chain']): string | undefined {
  for (const { name, values } of chain) {
    const keys = Object.keys(values);
    if (keys.some(key => key.startsWith('sso_'))) return `aws sso login --profile ${shellQuoted(name)}`;
    if (keys.includes('login_session')) return `aws login --profile ${shellQuoted(name)}`;
  }
  return undefined;
}

/** Names how a profile without keys of its own gets them, for messages. https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html */
const GIVERS = /^(?:role_arn|credential_process|login_session|sso_.+)$/;

/** The keys of a profile that tell a role where to get the keys it needs. */
const SOURCES = ['source_profile', 'credential_source', 'web_identity_token_file'];

function flawOfGiver({ files, values, chain }: AwsProfile): string | undefined {
  const { aws_access_key_id: id, aws_secret_access_key: secret, role_arn: role } = values;
  if (!Object.keys(values).some(key => GIVERS.test(key))) {
    if (id) return 'it has aws_access_key_id, but not aws_secret_access_key';
    if (secret) return 'it has aws_secret_access_key, but not aws_access_key_id';
    return `it has no keys, neither in ${files.config} nor in ${files.credentials}`;
  }
  if (role !== undefined && !id && !SOURCES.some(key => values[key])) {
    return 'its role_arn needs source_profile, credential_source or web_identity_token_file beside it';
  }
  if (chain.some(one => one.values.credential_source === 'Ec2InstanceMetadata')) {
    return 'it gets its keys from the metadata address of an EC2 machine, which recordupload does not use';
  }
  if (chain.some(one => one.values.mfa_serial !== undefined && one.values.role_arn !== undefined)) {
    return 'its role needs a one-time code (mfa_serial), and there is nobody to type one';
  }
  return undefined;
}
