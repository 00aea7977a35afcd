import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox, SECRETS } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

let sandbox: Sandbox;
let website: Server;
let websiteUrl: string;
beforeAll(async () => {
  sandbox = await openSandbox();
  website = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Welcome</title>');
  });
  await new Promise<void>(resolve => website.listen(0, '127.0.0.1', resolve));
  websiteUrl = `http://127.0.0.1:${(website.address() as AddressInfo).port}`;
});
afterAll(() => {
  website.closeAllConnections();
  website.close();
});

interface Story {
  name: string;
  env(desk: Desk): NodeJS.ProcessEnv;
  /** What, where, and what next. */
  says: RegExp;
}

/** Beside the home folder, which is searched for leaks. */
const tokenFile = (content: string, mode: number) => {
  const file = join(tempDir(), 'token');
  writeFileSync(file, content, { mode });
  return { WEBHOOK_TOKEN: '', WEBHOOK_TOKEN_FILE: file };
};

/** Found before anything is sent: exit 2. All that can be wrong with it: test/errors/configuration.ts. */
const CONFIGURATION: Story[] = [
  {
    name: 'no credentials',
    env: () => ({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }),
    says: /^error: no access keys for the bucket are configured \(set AWS_ACCESS_KEY_ID and .*\)$/,
  },
  {
    name: 'a token in a world-readable file',
    env: () => tokenFile(SECRETS.token, 0o644),
    says: /^error: WEBHOOK_TOKEN_FILE: .*\/token contains a secret and can be read by other users: chmod 600 .*\/token$/,
  },
];

describe('a wrong configuration is told in one line, before anything is sent', () => {
  test.each(CONFIGURATION)('$name', async ({ env, says }) => {
    const desk = openDesk(sandbox);
    const { code, stdout, stderr } = await desk.run(['upload', makeRecording()], { env: env(desk) });
    expect(stderr.trimEnd()).toMatch(says);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(sandbox.s3.requests()).toEqual([]);
  });

  test('a token file may end with a newline', async () => {
    const desk = openDesk(sandbox);
    const env = tokenFile(`${SECRETS.token}\n`, 0o600);
    const { code, stdout } = await desk.run(['upload', makeRecording()], { env });
    expect(code).toBe(0);
    expect(stdout).toContain('webhook delivered');
    sandbox.s3.resetRequests();
  });
});

/** Found when the store answers: exit 4, the upload is recorded, and goes on once the cause is mended. */
const STORE: Story[] = [
  {
    name: 'a key that the store does not know',
    env: () => ({ AWS_ACCESS_KEY_ID: 'FAKEUNKNOWNKEY' }),
    says: /the store answered 403.*\(check accessKeyId \(AWS_ACCESS_KEY_ID\): .*\)$/,
  },
  {
    name: 'a wrong secret key',
    env: () => ({ AWS_SECRET_ACCESS_KEY: 'fake-wrong-secret-key' }),
    says: /the store answered 403.*\(check secretAccessKey \(AWS_SECRET_ACCESS_KEY\); .*\)$/,
  },
  {
    name: 'a bucket that is missing',
    env: () => ({ RECORDUPLOAD_BUCKET: 'elsewhere' }),
    says: /the store answered 404 NoSuchBucket \(check bucket and endpoint, or create the bucket\)$/,
  },
  {
    name: 'an endpoint that cannot be reached',
    env: () => ({ RECORDUPLOAD_ENDPOINT: 'http://127.0.0.1:9', RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '1s' }),
    says: /cannot reach http:\/\/127\.0\.0\.1:9 \(connection refused\) \(check endpoint and the network\)$/,
  },
  {
    name: 'an endpoint that is a web page',
    env: () => ({ RECORDUPLOAD_ENDPOINT: websiteUrl }),
    says: /does not answer as an S3 service \(.*\) \(check endpoint: .*\)$/,
  },
];

describe('a store that refuses is told in one line for each file, and the upload waits for retry', () => {
  test.each(STORE)('$name', async ({ env, says }) => {
    const desk = openDesk(sandbox);
    const wrong = env(desk);
    const dir = makeRecording();
    sandbox.receiver.resetRequests();
    const { code, stderr } = await desk.run(['upload', dir, '--quiet'], { env: wrong });
    expect(code).toBe(4);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(
      /next: recordupload (retry \d+|upload \S+), once that is corrected\n$|next: recordupload retry \d+\n$/,
    );
    const loud = await desk.run(['upload', dir], { env: wrong });
    expect(loud.stdout.split('\n').filter(line => says.test(line))).not.toEqual([]);
    expect(sandbox.receiver.requests()).toEqual([]);

    const listed = await desk.run(['retry', '--list'], { env: wrong });
    expect(listed.stdout).toContain('unfinished uploads:');
    // Endpoint and bucket are part of what an unfinished upload is; keys are not.
    const mended = 'AWS_ACCESS_KEY_ID' in wrong || 'AWS_SECRET_ACCESS_KEY' in wrong ? ['retry'] : ['upload', dir];
    expect((await desk.run(mended)).code).toBe(0);
    expect(sandbox.receiver.requests().map(({ status }) => status)).toEqual([201]);
  });
});
