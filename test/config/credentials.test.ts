import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { requireCredentials } from '../../src/config/requirements.ts';
import { originOf, useDesk } from './support.ts';

const desk = useDesk();
const KEYS = { AWS_ACCESS_KEY_ID: 'FAKE-ID', AWS_SECRET_ACCESS_KEY: 'fake-secret-key' };
const PROFILES = `
[default]
aws_access_key_id = FAKE-DEFAULT
aws_secret_access_key = fake-default-secret
; a comment
[recordings]
aws_access_key_id=FAKE-PROFILE   # comment
aws_secret_access_key = fake-profile-secret=+/
s3 =
  aws_access_key_id = nested
`;
const writeProfiles = () => desk.write(path.join(desk.home, '.aws/credentials'), PROFILES);

test('keys come from the AWS variables', async () => {
  const { config } = await desk.load({ ...KEYS, AWS_SESSION_TOKEN: 'fake-session' });
  expect(requireCredentials(config)).toEqual({
    accessKeyId: 'FAKE-ID',
    secretAccessKey: 'fake-secret-key',
    sessionToken: 'fake-session',
  });
});

test('a session token of other keys is left out', async () => {
  await desk.write('.recorduploadrc', { accessKeyId: 'FAKE-RC', secretAccessKey: 'fake-rc-secret' });
  const { config } = await desk.load({ AWS_SESSION_TOKEN: 'fake-session' });
  expect(config.credentials).toEqual({
    accessKeyId: 'FAKE-RC',
    secretAccessKey: 'fake-rc-secret',
    sessionToken: undefined,
  });
});

test('half a pair is said when the keys are needed, not before', async () => {
  const { config } = await desk.load({ AWS_ACCESS_KEY_ID: 'FAKE-ID' });
  expect(() => requireCredentials(config)).toThrow(
    expect.objectContaining({
      code: 'CONFIG',
      message: 'accessKeyId is set (AWS_ACCESS_KEY_ID), but secretAccessKey is not',
      hint: expect.stringContaining('AWS_SECRET_ACCESS_KEY'),
    }),
  );
});

test('no keys at all: the hint names the variables, and no default profile is used', async () => {
  await writeProfiles();
  const { config } = await desk.load();
  expect(() => requireCredentials(config)).toThrow('no access keys for the bucket are configured');
});

test('two variables with different keys are an error', async () => {
  expect(await desk.problems({ ...KEYS, RECORDUPLOAD_ACCESS_KEY_ID: 'FAKE-OTHER' })).toEqual([
    'accessKeyId: two sources for one secret, RECORDUPLOAD_ACCESS_KEY_ID and AWS_ACCESS_KEY_ID: keep one',
  ]);
});

// As `echo secret | base64` leaves it in a secret of Kubernetes.
test.each(['\n', '\r\n', ' '])('keys with white space (%j) at their end are named, and not shown', async end => {
  const problems = await desk.problems({ AWS_ACCESS_KEY_ID: `FAKE-ID${end}`, AWS_SECRET_ACCESS_KEY: `fake-key${end}` });
  expect(problems).toEqual([
    expect.stringMatching(/^AWS_ACCESS_KEY_ID: contains (a newline|white space)/),
    expect.stringMatching(/^AWS_SECRET_ACCESS_KEY: contains (a newline|white space)/),
  ]);
  expect(problems.join()).not.toMatch(/FAKE-ID|fake-key/);
});

test('keys come from files', async () => {
  await desk.write('id', 'FAKE-ID\n');
  await desk.write('key', 'fake-key\n');
  await desk.write('.recorduploadrc', 'accessKeyIdFile: id\nsecretAccessKeyFile: key\n', 0o644);
  await desk.trust('.recorduploadrc');
  expect((await desk.load()).config.credentials).toMatchObject({ accessKeyId: 'FAKE-ID', secretAccessKey: 'fake-key' });
});

describe('AWS_PROFILE', () => {
  test('beats the key variables, as in the SDK, and shadows them', async () => {
    await writeProfiles();
    const loaded = await desk.load({ ...KEYS, AWS_PROFILE: 'recordings' });
    expect(loaded.config.credentials).toEqual({
      accessKeyId: 'FAKE-PROFILE',
      secretAccessKey: 'fake-profile-secret=+/',
      sessionToken: undefined,
    });
    expect(originOf(loaded, 'accessKeyId')).toMatchObject({
      value: 'set',
      source: 'profile recordings (AWS_PROFILE)',
      shadows: ['AWS_ACCESS_KEY_ID'],
    });
  });

  test('of a weaker source gives way to keys; our own keys beside it are an error', async () => {
    await writeProfiles();
    await desk.write('.recorduploadrc', 'awsProfile: recordings\n');
    await desk.trust('.recorduploadrc');
    expect((await desk.load(KEYS)).config.credentials).toMatchObject({ accessKeyId: 'FAKE-ID' });
    const ours = { RECORDUPLOAD_ACCESS_KEY_ID: 'FAKE-OURS', RECORDUPLOAD_SECRET_ACCESS_KEY: 'fake-ours-key' };
    expect(await desk.problems({ ...ours, AWS_PROFILE: 'recordings' })).toEqual([
      'accessKeyId: two sources for one secret, RECORDUPLOAD_ACCESS_KEY_ID and AWS_PROFILE: keep one',
    ]);
  });
});
