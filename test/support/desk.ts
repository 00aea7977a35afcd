import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect } from '@jest/globals';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/sandbox.ts';
import { findLeaks } from './leaks.ts';
import { type CliOptions, type CliResult, type RunningCli, startCli } from './run-cli.ts';
import { tempDir } from './temp-dir.ts';

/** Obvious fakes that nothing else contains; the leak search looks for them. */
export const SECRETS = {
  token: 'fake-webhook-token-7f3a9c',
  accessKeyId: 'FAKEACCESSKEY2b81',
  secretAccessKey: 'fake-secret-access-key-5d6e04',
} as const;

const sandboxes: Sandbox[] = [];
afterAll(async () => {
  await Promise.all(sandboxes.splice(0).map(sandbox => sandbox.close()));
});

/** A sandbox with secrets that the leak search knows; closed after the test file. */
export async function openSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { accessKeyId, secretAccessKey, token } = SECRETS;
  const sandbox = await startSandbox({
    ...options,
    s3: { accessKeyId, secretAccessKey, ...options.s3 },
    receiver: { token, ...options.receiver },
  });
  sandboxes.push(sandbox);
  return sandbox;
}

/** An operator's machine: a home and a working directory of its own, and an environment that points at a sandbox. */
export interface Desk {
  readonly home: string;
  readonly stateDir: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  start(args: readonly string[], options?: CliOptions): RunningCli;
  /** The `msg` of each line of the log. */
  log(): string[];
  /** Everything that was run here. */
  runs(): readonly CliResult[];
}

const desks: { sandbox: Sandbox; desk: Desk }[] = [];
// Whatever a test is about: no secret shows up anywhere, and no test has to remember to look.
afterEach(() => {
  for (const { sandbox, desk } of desks) {
    const secrets = [sandbox.receiver.token, sandbox.s3.secretAccessKey, ...Object.values(SECRETS)];
    expect(findLeaks(secrets, desk.runs(), [desk.home])).toEqual([]);
  }
});

export const EMAIL = 'operator@example.com';

/** Sets up a desk; `env` adds to its environment, undefined takes away. */
export function openDesk(sandbox: Sandbox, env: NodeJS.ProcessEnv = {}): Desk {
  const home = tempDir();
  const cwd = join(home, 'work');
  const stateDir = join(home, '.local', 'state', 'recordupload');
  mkdirSync(cwd);
  const { s3, receiver } = sandbox;
  const all = {
    HOME: home,
    TZ: 'America/New_York',
    RECORDUPLOAD_ENDPOINT: s3.url,
    RECORDUPLOAD_BUCKET: s3.bucket,
    RECORDUPLOAD_USER_EMAIL: EMAIL,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    WEBHOOK_URL: receiver.url,
    WEBHOOK_TOKEN: receiver.token,
    ...env,
  };
  const runs: CliResult[] = [];
  const start: Desk['start'] = (args, options = {}) => {
    const run = startCli(args, { cwd, ...options, env: { ...all, ...options.env } });
    return {
      ...run,
      result: run.result.then(result => {
        runs.push(result);
        return result;
      }),
    };
  };
  const desk: Desk = {
    home,
    stateDir,
    cwd,
    env: all,
    start,
    run: (args, options) => start(args, options).result,
    log() {
      const file = join(stateDir, 'logs', 'app.log');
      if (!existsSync(file)) return [];
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      return lines.map(line => (JSON.parse(line) as { msg: string }).msg);
    },
    runs: () => runs,
  };
  desks.push({ sandbox, desk });
  return desk;
}

/** The one JSON document that `--json` prints. */
export interface JsonOutput<Result> {
  version: number;
  command: string;
  ok: boolean;
  exitCode: number;
  result: Result;
  error?: { code: string; message: string; hint?: string };
}

/** Reads it; anything beside it on stdout or stderr is an error. */
export function readJson<Result>({ stdout, stderr, code }: CliResult): JsonOutput<Result> {
  expect(stderr).toBe('');
  const document = JSON.parse(stdout) as JsonOutput<Result>;
  expect(document).toMatchObject({ version: 1, ok: code === 0, exitCode: code });
  return document;
}

/** Bodies' bytes that the S3 server received for keys of a recording, by key; metadata.json aside. */
export function sentBytes(sandbox: Sandbox, id: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { operation, key, bodyBytes } of sandbox.s3.requests()) {
    if (!key.startsWith(`${id}/`) || !['PutObject', 'UploadPart'].includes(operation)) continue;
    sums[key] = (sums[key] ?? 0) + bodyBytes;
  }
  return sums;
}

/** The payloads that the recordings server was sent for a recording, oldest first, with what it answered. */
export function webhooksOf(sandbox: Sandbox, id: string): { status: number | null; body: Record<string, unknown> }[] {
  return sandbox.receiver.requests().flatMap(({ body, status }) => {
    const payload = JSON.parse(body) as Record<string, unknown>;
    return String(payload.recording_id) === id ? [{ status, body: payload }] : [];
  });
}
