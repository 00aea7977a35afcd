import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { makeRecording } from '../support/make-recording.ts';
import { type RunningCli, runCli, startCli } from '../support/run-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Addresses {
  s3: { endpoint: string };
  webhook: { recordings: string };
  environment: Record<string, string>;
}

/** Starts it with `--json` and waits for its document. */
async function startSandbox(
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ run: RunningCli; addresses: Addresses }> {
  const run = startCli(['sandbox', '--json', ...args], { env });
  const text = await run.printed('\n}\n');
  return { run, addresses: (JSON.parse(text) as { result: Addresses }).result };
}

describe('sandbox', () => {
  test('prints a ready-made configuration with which upload works, shows what it received, and ends by Ctrl-C', async () => {
    const home = tempDir();
    const { run, addresses } = await startSandbox([], { HOME: home });
    const env = { HOME: home, ...addresses.environment, RECORDUPLOAD_USER_EMAIL: 'operator@example.com' };
    expect((await runCli(['upload', makeRecording({ name: '42' })], { env })).code).toBe(0);
    const rows: unknown = await (await fetch(addresses.webhook.recordings)).json();
    expect(rows).toMatchObject([{ recording_id: 42 }]);
    run.kill('SIGINT');
    expect(await run.result).toMatchObject({ code: 0, stderr: '' });
  });

  test('the configuration that it prints names a user whom its server knows', async () => {
    const home = tempDir();
    const run = startCli(['sandbox', '--user', "o'hara@example.com", 'second@example.com'], { env: { HOME: home } });
    const text = await run.printed('Ctrl-C ends the sandbox.');
    // As the shell into which it is pasted reads it.
    const script = `${[...text.matchAll(/^ {2}export .*$/gm)].join('\n')}\nenv -0`;
    const variables = execFileSync('sh', ['-c', script], { encoding: 'utf8', env: { PATH: process.env.PATH } })
      .split('\0')
      .map(line => line.split(/=(.*)/s).slice(0, 2));
    const env = { ...Object.fromEntries(variables), HOME: home };
    expect(env.RECORDUPLOAD_USER_EMAIL).toBe("o'hara@example.com");
    const uploaded = await runCli(['upload', '--strict', makeRecording({ name: '42' })], { env });
    expect(uploaded).toMatchObject({ code: 0 });
    run.kill('SIGINT');
    await run.result;
  });

  test('--data keeps everything over a restart', async () => {
    const home = tempDir();
    const data = join(home, 'data');
    const dir = makeRecording({ name: '42' });
    const first = await startSandbox(['--data', data], { HOME: home });
    const env = { HOME: home, ...first.addresses.environment, RECORDUPLOAD_USER_EMAIL: 'operator@example.com' };
    await runCli(['upload', dir], { env });
    first.run.kill('SIGTERM');
    await first.run.result;
    const second = await startSandbox(['--data', data], { HOME: home });
    expect(second.addresses).toEqual(first.addresses);
    expect((await runCli(['upload', dir], { env })).stdout).toContain('nothing had to be uploaded');
    second.run.kill('SIGTERM');
    await second.run.result;
    expect(readdirSync(data)).not.toEqual([]);
  });

  test('without --data writes nothing', async () => {
    const home = tempDir();
    const { run } = await startSandbox([], { HOME: home });
    run.kill('SIGTERM');
    await run.result;
    expect(existsSync(join(home, '.local'))).toBe(false);
  });
});
