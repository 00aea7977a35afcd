import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { startAwsServices } from '../support/aws-services.ts';
import { type Desk, openDesk, openSandbox, SECRETS } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

/*
 * Keys from AWS profiles, by the built program: the SDK's providers are in the bundle, and they read the process's own
 * environment. Files that hold the sandbox's keys are outside of the home, in which the desk looks for leaks.
 */

const sandbox = await openSandbox();
const services = () => startAwsServices(SECRETS);

function deskWith(config: string, env: NodeJS.ProcessEnv = {}): Desk {
  const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
  const desk = openDesk(sandbox, {
    ...none,
    AWS_PROFILE: 'recordings',
    RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '0s',
    ...env,
  });
  write(join(desk.home, '.aws/config'), config);
  return desk;
}

function write(file: string, text: string, mode = 0o600): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
  return file;
}

/** A program that prints the sandbox's keys, good until `expiration`, and notes that it ran. */
function keyGiver(expiration: string): { command: string; runs(): number } {
  const folder = tempDir();
  const keys = { Version: 1, AccessKeyId: SECRETS.accessKeyId, SecretAccessKey: SECRETS.secretAccessKey };
  const answer = JSON.stringify({ ...keys, SessionToken: 'fake-session', Expiration: expiration });
  const runs = write(join(folder, 'runs'), '');
  const command = write(join(folder, 'give-keys'), `#!/bin/sh\necho ran >> ${runs}\necho '${answer}'\n`, 0o700);
  return { command, runs: () => readFileSync(runs, 'utf8').split('\n').length - 1 };
}

describe('credential_process', () => {
  test('gives the keys of an upload, and is run once as long as they are good', async () => {
    const { command, runs } = keyGiver('2099-01-01T00:00:00Z');
    const desk = deskWith(`[profile recordings]\ncredential_process = ${command}\n`);
    const { code, stdout } = await desk.run(['upload', makeRecording()]);
    expect(stdout).toContain('uploaded and verified');
    expect({ code, runs: runs() }).toEqual({ code: 0, runs: 1 });
  });

  test('is run again for keys that are about to expire', async () => {
    const { command, runs } = keyGiver(new Date(Date.now() + 60_000).toISOString());
    const desk = deskWith(`[profile recordings]\ncredential_process = ${command}\n`);
    expect((await desk.run(['upload', makeRecording()])).code).toBe(0);
    expect(runs()).toBeGreaterThan(1);
  });

  test('is not run by commands that need no keys', async () => {
    const { command, runs } = keyGiver('2099-01-01T00:00:00Z');
    const desk = deskWith(`[profile recordings]\ncredential_process = ${command}\n`);
    expect((await desk.run(['status'])).code).toBe(0);
    expect((await desk.run(['config', 'show'])).stdout).toMatch(
      /^accessKeyId +set +operator +profile recordings \(AWS_PROFILE\)$/m,
    );
    expect(runs()).toBe(0);
  });

  test('that fails is one line with what to do next; the upload is kept for a retry', async () => {
    const { command } = keyGiver('2099-01-01T00:00:00Z');
    const desk = deskWith(`[profile recordings]\ncredential_process = sh -c "echo vault is locked >&2; exit 3"\n`);
    const failed = await desk.run(['upload', makeRecording()]);
    expect(failed.code).toBe(4);
    expect(failed.stdout + failed.stderr).toContain(
      'AWS profile "recordings": credential_process failed: vault is locked',
    );
    expect(failed.stdout + failed.stderr).toContain('aws configure export-credentials --profile recordings');
    expect((await desk.run(['doctor'])).stdout).toContain('✘ credentials: AWS profile "recordings": credential');
    write(join(desk.home, '.aws/config'), `[profile recordings]\ncredential_process = ${command}\n`);
    expect((await desk.run(['retry'])).code).toBe(0);
  });
});

describe('A role', () => {
  const ROLE = 'arn:aws:iam::123456789012:role/recordings';
  const config = `[profile recordings]\nrole_arn = ${ROLE}\nsource_profile = base\nregion = eu-west-9\n`;
  const base = '[base]\naws_access_key_id = FAKE-BASE\naws_secret_access_key = fake-base\n';
  const deskWithBase = (env: NodeJS.ProcessEnv, more = '') => {
    const desk = deskWith(config + more, env);
    write(join(desk.home, '.aws/credentials'), base);
    return desk;
  };

  test('is assumed with the keys of the source profile, in the region of the profile', async () => {
    const sts = await services();
    const { code } = await deskWithBase({ AWS_ENDPOINT_URL_STS: sts.url }).run(['upload', makeRecording()]);
    expect(code).toBe(0);
    expect(sts.asked).toEqual([
      expect.objectContaining({ form: expect.objectContaining({ Action: 'AssumeRole', RoleArn: ROLE }) }),
    ]);
    expect(sts.asked[0]?.headers.authorization).toMatch(/Credential=FAKE-BASE\/\d{8}\/eu-west-9\/sts\//);
  });

  test('is asked for through the proxy that the environment names', async () => {
    const proxy = await services();
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1', AWS_ENDPOINT_URL_STS: 'http://sts.invalid' };
    expect((await deskWithBase(env).run(['upload', makeRecording()])).code).toBe(0);
    expect(proxy.asked[0]?.headers.host).toBe('sts.invalid');
  });

  test.each([
    ['is refused', 403, 'AccessDenied', 'AWS profile "recordings": no AccessDenied (see what the AWS tools say'],
    [
      'cannot be given now',
      503,
      'Unavailable',
      /AWS profile "recordings": http:\/\/127\.0\.0\.1:\d+ answered 503 \(it may pass/,
    ],
  ])('that %s is one line', async (_, status, code, says) => {
    const sts = await services();
    sts.failWith(status, code);
    const failed = await deskWithBase({ AWS_ENDPOINT_URL_STS: sts.url }).run(['upload', makeRecording()]);
    expect(failed.code).toBe(4);
    expect(failed.stderr).toMatch(says);
  });

  test('whose service cannot be reached is tried again, and then a line that says so', async () => {
    const env = { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9', RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '1s' };
    const { code, stderr } = await deskWithBase(env).run(['upload', makeRecording()]);
    expect(code).toBe(4);
    expect(stderr).toContain(
      'AWS profile "recordings": cannot reach http://127.0.0.1:9 (connection refused); trying again',
    );
  });

  test('of a web identity, and the region for any of them, never ask the metadata address of EC2', async () => {
    const [sts, ec2] = [await services(), await services()];
    const env = {
      AWS_ENDPOINT_URL_STS: sts.url,
      AWS_DEFAULTS_MODE: 'auto',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: ec2.url,
    };
    expect((await deskWithBase(env).run(['upload', makeRecording()])).code).toBe(0);
    const token = write(join(tempDir(), 'token'), 'fake.jwt.token');
    const desk = deskWith(`[profile recordings]\nrole_arn = ${ROLE}\nweb_identity_token_file = ${token}\n`, env);
    expect((await desk.run(['upload', makeRecording()])).code).toBe(0);
    expect(sts.asked.map(({ form }) => form.Action)).toEqual(['AssumeRole', 'AssumeRoleWithWebIdentity']);
    expect(ec2.asked).toEqual([]);
  });
});

describe('AWS sign-in (SSO)', () => {
  const config = `[profile recordings]
sso_session = work
sso_account_id = 123456789012
sso_role_name = uploader
[sso-session work]
sso_start_url = https://sso.example/start
sso_region = eu-west-9
`;
  const signedIn = (desk: Desk, expiresAt: string) => {
    const file = `${createHash('sha1').update('work').digest('hex')}.json`;
    const token = {
      accessToken: 'fake-sso-token',
      expiresAt,
      startUrl: 'https://sso.example/start',
      region: 'eu-west-9',
    };
    write(join(desk.home, '.aws/sso/cache', file), JSON.stringify(token));
  };

  test('gives the keys of the role', async () => {
    const portal = await services();
    const desk = deskWith(config, { AWS_ENDPOINT_URL_SSO: portal.url });
    signedIn(desk, '2099-01-01T00:00:00Z');
    expect((await desk.run(['upload', makeRecording()])).code).toBe(0);
    expect(portal.asked[0]?.headers['x-amz-sso_bearer_token']).toBe('fake-sso-token');
  });

  test.each([
    ['has expired', '2001-01-01T00:00:00Z'],
    ['was never made', undefined],
  ])('that %s says how to sign in', async (_, expiresAt) => {
    const desk = deskWith(config);
    if (expiresAt !== undefined) signedIn(desk, expiresAt);
    const { code, stderr } = await desk.run(['upload', makeRecording()]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/AWS profile "recordings": .* \(run aws sso login --profile recordings\)/);
  });
});

test('A profile that cannot be used ends the command before anything is uploaded', async () => {
  const desk = deskWith('[profile other]\nregion = eu-west-9\n');
  const { code, stderr } = await desk.run(['upload', makeRecording()]);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /^error: AWS profile "recordings": it is not in .*config and not in .*credentials \(there are other\)/,
  );
});
