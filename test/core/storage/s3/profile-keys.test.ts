import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createKeyProvider } from '../../../../src/core/storage/s3/profile-keys.ts';
import { tempDir } from '../../../support/temp-dir.ts';

/* The other ways to get keys (roles, SSO) read the process's environment: test/e2e/aws-profile.test.ts tries them. */

/** A profile whose keys a program prints. */
function profileWith(script: string, args = '') {
  const folder = tempDir();
  const files = { config: join(folder, 'config'), credentials: join(folder, 'credentials') };
  const program = `${join(folder, 'give-keys')} ${args}`.trim();
  writeFileSync(join(folder, 'give-keys'), `#!/bin/sh\ncd ${folder}\n${script}\n`, { mode: 0o700 });
  writeFileSync(files.config, `[profile recordings]\ncredential_process = ${program}\n`);
  const profile = { profile: 'recordings', files, region: undefined, program, signIn: undefined };
  return { folder, give: createKeyProvider(profile, { env: {}, ca: undefined }) };
}

const answer = (more: object) =>
  `echo '${JSON.stringify({ Version: 1, AccessKeyId: 'FAKE-PROC', SecretAccessKey: 'fake-proc', ...more })}'`;

test('a program is asked each time, and says until when its keys are good', async () => {
  const expiring = answer({ SessionToken: 'fake-session', Expiration: '2099-01-01T00:00:00Z' });
  const { folder, give } = profileWith(`echo ran >> runs\n${expiring}`);
  const keys = {
    accessKeyId: 'FAKE-PROC',
    secretAccessKey: 'fake-proc',
    sessionToken: 'fake-session',
    expiration: new Date('2099-01-01T00:00:00Z'),
  };
  expect([await give(), await give()]).toEqual([keys, keys]);
  expect(readFileSync(join(folder, 'runs'), 'utf8')).toBe('ran\nran\n');
});

test.each([
  ['exit 3', 'credential_process failed'],
  ['echo "no vault" >&2; echo "log in first" >&2; exit 3', 'credential_process failed: log in first'],
  ['echo no-json', 'Profile recordings credential_process returned invalid JSON.'],
  [`echo '{"Version": 2}'`, 'Profile recordings credential_process did not return Version 1.'],
  [
    answer({ Expiration: '2001-01-01T00:00:00Z' }),
    'Profile recordings credential_process returned expired credentials.',
  ],
])('a program that fails is one line, without its command line: %s', async (script, why) => {
  const { give } = profileWith(script, '--password not-a-real-password');
  await expect(give()).rejects.toMatchObject({
    code: 'STORAGE',
    kind: 'refused',
    message: `AWS profile "recordings": ${why}`,
    hint: 'see what the AWS tools say: aws configure export-credentials --profile recordings',
  });
});
