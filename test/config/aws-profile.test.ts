import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { requireCredentials } from '../../src/config/requirements.ts';
import type { Keys } from '../../src/core/storage/keys.ts';
import { originOf, useDesk } from './support.ts';

const desk = useDesk();
const config = (text: string, mode?: number) => desk.write(path.join(desk.home, '.aws/config'), text, mode);
const credentials = (text: string, mode?: number) => desk.write(path.join(desk.home, '.aws/credentials'), text, mode);
const RECORDINGS = { AWS_PROFILE: 'recordings' };
const keys = (name: string) => `aws_access_key_id = FAKE-${name}\naws_secret_access_key = fake-secret-${name}\n`;

/** The keys that the profile contains. */
async function keysOf(env: Record<string, string> = RECORDINGS): Promise<Keys> {
  const { credentials } = (await desk.load(env)).config;
  if (!credentials || 'profile' in credentials) throw new Error('no keys');
  return credentials;
}

describe('a profile', () => {
  test('is read from both files as the AWS tools read it: sections named profile, indented keys, comments', async () => {
    await config(
      '[profile recordings]\n  aws_access_key_id = FAKE-A ; a comment\n  aws_secret_access_key = a/b+c=\n# end\n',
    );
    expect(await keysOf()).toEqual({ accessKeyId: 'FAKE-A', secretAccessKey: 'a/b+c=' });
    await credentials(`[recordings]\r\naws_session_token = fake-session\r\naws_access_key_id=FAKE-B\r\n`);
    expect(await keysOf()).toEqual({ accessKeyId: 'FAKE-B', secretAccessKey: 'a/b+c=', sessionToken: 'fake-session' });
  });

  test('named default is in [default], and used only where it is named', async () => {
    await config(`[default]\n${keys('a')}`);
    expect((await keysOf({ AWS_PROFILE: 'default' })).accessKeyId).toBe('FAKE-a');
    expect((await desk.load()).config.credentials).toBeUndefined();
  });

  test('is looked for where the AWS variables say, relative to the working folder or to the home', async () => {
    await desk.write('c', `[profile recordings]\nregion = eu-west-9\n`);
    await desk.write(path.join(desk.home, 'k'), `[recordings]\n${keys('elsewhere')}`);
    const env = { ...RECORDINGS, AWS_CONFIG_FILE: 'c', AWS_SHARED_CREDENTIALS_FILE: '~/k' };
    const loaded = await desk.load(env);
    expect(loaded.config).toMatchObject({ region: 'eu-west-9', credentials: { accessKeyId: 'FAKE-elsewhere' } });
    expect(await keysOf({ ...env, AWS_CONFIG_FILE: '/dev/null' })).toMatchObject({ accessKeyId: 'FAKE-elsewhere' });
  });

  test('may be named in .env, but not the file that it is read from: it may name a program to run', async () => {
    await credentials(`[recordings]\n${keys('home')}`);
    await desk.write('evil', `[recordings]\n${keys('evil')}`);
    await desk.write('.env', 'AWS_PROFILE=recordings\nAWS_SHARED_CREDENTIALS_FILE=evil\nAWS_CONFIG_FILE=evil\n');
    await desk.trust('.env');
    expect((await keysOf({})).accessKeyId).toBe('FAKE-home');
  });

  test('that is missing is a flaw that names the files and what is in them', async () => {
    const flaw = async (name: string) => (await desk.load({ AWS_PROFILE: name })).config.credentialsProblem;
    const files = `${desk.home}/.aws/config and not in ${desk.home}/.aws/credentials`;
    expect(await flaw('recordings')).toBe(`AWS profile "recordings": it is not in ${files} (they have no profiles)`);
    await config(
      `[default]\n[profile ops]\nregion=a\n[services recordings]\ns3 =\n  endpoint_url = https://x.example\n`,
    );
    await credentials(`[old]\n${keys('old')}`);
    for (const name of ['recordings', 'constructor', '__proto__']) {
      expect(await flaw(name)).toBe(`AWS profile ${JSON.stringify(name)}: it is not in ${files} (there are ops, old)`);
    }
  });

  test.each([
    ['nothing in it', 'region = a', /it has no keys, neither in .*config nor in .*credentials$/],
    ['half a pair', 'aws_access_key_id = FAKE-HALF', 'it has aws_access_key_id, but not aws_secret_access_key'],
    ['the other half', 'aws_secret_access_key = fake', 'it has aws_secret_access_key, but not aws_access_key_id'],
    [
      'a role of an EC2 machine',
      'role_arn = r\ncredential_source = Ec2InstanceMetadata',
      'the metadata address of an EC2',
    ],
    ['such a role at its source', 'role_arn = r\nsource_profile = ec2', 'the metadata address of an EC2'],
    ['a role without a source', 'role_arn = r', 'its role_arn needs source_profile, credential_source or web_identity'],
    ['a one-time code', 'role_arn = r\nsource_profile = default\nmfa_serial = m', 'one-time code (mfa_serial)'],
    ['a source that needs one', 'role_arn = r\nsource_profile = mfa', 'one-time code (mfa_serial)'],
  ])('with %s gives no keys, which is said when keys are needed', async (_, text, why) => {
    await config(
      `[profile recordings]\n${text}
[default]\n${keys('default')}
[profile ec2]\nrole_arn = r2\ncredential_source = Ec2InstanceMetadata
[profile mfa]\nrole_arn = r2\nmfa_serial = m\nsource_profile = recordings`,
      0o600,
    );
    const { config: loaded } = await desk.load(RECORDINGS);
    expect(() => requireCredentials(loaded)).toThrow(why);
    expect(() => requireCredentials(loaded)).toThrow(/^AWS profile "recordings": /);
  });
});

describe('the files', () => {
  test.each([
    ['credentials', 'region = a'],
    ['config', keys('a')],
    ['config', 'aws_session_token = fake'],
  ])('that hold secrets are refused if others can read them: %s with %j', async (name, text) => {
    const file = await desk.write(
      path.join(desk.home, '.aws', name),
      `[recordings]\n[profile recordings]\n${text}`,
      0o644,
    );
    expect((await desk.load(RECORDINGS)).config.credentialsProblem).toBe(
      `AWS profile "recordings": ${file} contains a secret and can be read by other users: chmod 600 ${file}`,
    );
  });

  test('without secrets may be read by all', async () => {
    await config('[profile recordings]\ncredential_process = true\nregion = eu-west-9', 0o644);
    expect((await desk.load(RECORDINGS)).config.region).toBe('eu-west-9');
  });

  test.each([
    ['is not a file', () => desk.home],
    ['is larger than 1 MiB', () => desk.write('big', '#'.repeat(1024 * 1024 + 1))],
  ])('that can be none are named: %s', async (why, make) => {
    const file = await make();
    const { config: loaded } = await desk.load({ ...RECORDINGS, AWS_CONFIG_FILE: file });
    expect(loaded.credentialsProblem).toBe(`AWS profile "recordings": ${file} ${why}`);
  });
});

describe('region and endpoint', () => {
  const both = async (env: Record<string, string> = {}) => {
    const { config: loaded } = await desk.load({ ...RECORDINGS, ...env });
    return [loaded.region, loaded.endpoint];
  };

  test('come from the profile, a section of services before the general endpoint', async () => {
    await config('[profile recordings]\nregion = eu-west-9\nendpoint_url = https://all.example\n');
    expect(await both()).toEqual(['eu-west-9', 'https://all.example']);
    await config(
      '[profile recordings]\nregion = eu-west-9\nendpoint_url = https://all.example\nservices = mine\n' +
        '[services mine]\nsts =\n  endpoint_url = https://sts.example\ns3 =\n  endpoint_url = https://s3.example/\n',
    );
    expect(await both()).toEqual(['eu-west-9', 'https://s3.example']);
    await credentials('[recordings]\nregion = eu-west-8');
    const loaded = await desk.load(RECORDINGS);
    expect(originOf(loaded, 'region')).toEqual(
      expect.objectContaining({ value: 'eu-west-8', source: 'profile recordings (AWS_PROFILE)', shadows: [] }),
    );
    expect(originOf(loaded, 'endpoint')).toMatchObject({ source: 'profile recordings (AWS_PROFILE)' });
  });

  test('of the AWS variables beat the profile, and keys of our own beat both', async () => {
    await config('[profile recordings]\nregion = from-profile\nendpoint_url = https://profile.example\n');
    const general = { AWS_DEFAULT_REGION: 'from-default', AWS_ENDPOINT_URL: 'https://general.example' };
    expect(await both(general)).toEqual(['from-default', 'https://general.example']);
    const special = { ...general, AWS_REGION: 'from-region', AWS_ENDPOINT_URL_S3: 'https://s3.example' };
    expect(await both(special)).toEqual(['from-region', 'https://s3.example']);
    await desk.write('.recorduploadrc', 'region: from-rc\nendpoint: https://rc.example\n');
    expect(await both(general)).toEqual(['from-rc', 'https://rc.example']);
    expect(originOf(await desk.load({ ...RECORDINGS, ...general }), 'region')).toMatchObject({
      source: '.recorduploadrc:1',
      shadows: ['AWS_DEFAULT_REGION', 'profile recordings (AWS_PROFILE)'],
    });
  });

  test('AWS_DEFAULT_REGION counts without a profile as well', async () => {
    const loaded = await desk.load({ AWS_DEFAULT_REGION: 'eu-west-9' });
    expect(loaded.config.endpoint).toBe('https://s3.eu-west-9.idrivee2.com');
    expect(originOf(loaded, 'region')?.source).toBe('AWS_DEFAULT_REGION');
    await desk.write('.env', 'AWS_DEFAULT_REGION=eu-west-7\n');
    expect((await desk.load()).config.region).toBe('eu-west-7');
  });

  test('of the profile count also where the keys are from elsewhere', async () => {
    await config('[profile recordings]\nregion = eu-west-9\nendpoint_url = https://profile.example\n');
    await desk.write('.recorduploadrc', 'awsProfile: recordings\n');
    await desk.trust('.recorduploadrc');
    const own = { AWS_ACCESS_KEY_ID: 'FAKE-ID', AWS_SECRET_ACCESS_KEY: 'fake-key' };
    const { config: loaded } = await desk.load(own);
    expect(loaded).toMatchObject({ region: 'eu-west-9', credentials: { accessKeyId: 'FAKE-ID' } });
  });

  test('endpoints of the AWS tools are left out where the user says so, in a variable or in the profile', async () => {
    const general = { AWS_ENDPOINT_URL: 'https://general.example' };
    await config('[profile recordings]\nendpoint_url = https://profile.example\n');
    const off = { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' };
    expect((await both({ ...general, ...off }))[1]).toBe('https://s3.us-west-1.idrivee2.com');
    await config(
      '[profile recordings]\nendpoint_url = https://profile.example\nignore_configured_endpoint_urls = true\n',
    );
    expect((await both(general))[1]).toBe('https://s3.us-west-1.idrivee2.com');
    const on = { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false' };
    expect((await both({ ...general, ...on }))[1]).toBe('https://general.example');
  });

  test('that are wrong are problems with file, profile and key', async () => {
    await config(
      '[profile recordings]\nregion = no region!\nendpoint_url = s3.example.com\nservices = none\n' +
        '[services mine]\ns3 =\n  endpoint_url = https://s3.example\n',
    );
    const at = `${desk.home}/.aws/config: profile recordings:`;
    expect(await desk.problems(RECORDINGS)).toEqual([
      `${at} services: there is no section [services none]`,
      `${at} region: expected a region such as us-west-1, got "no region!"`,
      `${at} endpoint_url: "s3.example.com" has no scheme (use https://s3.example.com)`,
    ]);
    await config('[profile recordings]\nservices = mine\n[services mine]\ns3 =\n  endpoint_url = http://s3.example\n');
    expect(await desk.problems(RECORDINGS)).toEqual([
      `${at} services mine: s3: endpoint_url: http:// would send recordings in the clear: use https://, or set allowInsecure`,
    ]);
  });
});

describe('keys that a profile gets elsewhere', () => {
  test.each([
    ['a program', 'credential_process = give-keys --now', { program: 'give-keys --now' }],
    ['a role', `role_arn = r\nsource_profile = default\nregion = eu-west-9`, { region: 'eu-west-9' }],
    ['a program at its source', 'role_arn = r\nsource_profile = program', { program: 'give-keys' }],
    ['SSO', 'sso_session = work', { signIn: 'aws sso login --profile recordings' }],
    ['SSO at its source', 'role_arn = r\nsource_profile = it@s', { signIn: 'aws sso login --profile it@s' }],
    ['a sign-in', 'login_session = arn', { signIn: 'aws login --profile recordings' }],
    ['a role beside keys', `${keys('own')}role_arn = r\nsource_profile = recordings`, {}],
  ])('are those of %s; nothing is asked for them yet', async (_, text, facts) => {
    await config(`[profile recordings]\n${text}
[default]\n${keys('default')}
[profile program]\ncredential_process = give-keys
[profile it@s]\nsso_session = work\n`);
    const loaded = await desk.load(RECORDINGS);
    expect(loaded.config.credentials).toEqual({
      profile: 'recordings',
      files: { config: `${desk.home}/.aws/config`, credentials: `${desk.home}/.aws/credentials` },
      ...facts,
    });
    expect(originOf(loaded, 'secretAccessKey')).toMatchObject({
      value: 'set',
      source: 'profile recordings (AWS_PROFILE)',
    });
  });
});
