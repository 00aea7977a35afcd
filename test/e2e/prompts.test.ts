import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { run as configInit } from '../../src/cli/commands/config/init/run.ts';
import { SECRETS } from '../support/desk.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { KEYS, runInTerminal } from '../support/run-in-terminal.ts';
import { tempDir } from '../support/temp-dir.ts';

function start(...args: string[]) {
  const cwd = tempDir();
  return { cwd, run: runInTerminal(args, { cwd, env: { HOME: tempDir(), NO_COLOR: '1' } }) };
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

describe('On a terminal config init', () => {
  test('asks for what it needs; a secret that is typed never comes to the screen', async () => {
    const { cwd, run } = start('config', 'init', '--here');
    for (const question of ['URL of the S3 service', 'Region [us-west-1]', 'Bucket', 'AWS profile']) {
      await run.type(KEYS.enter, question);
    }
    await run.type(`ada${KEYS.enter}`, 'e-mail');
    await run.type(`ada@example.com${KEYS.enter}`, 'expected an e-mail address, got "ada"');
    await run.type(KEYS.enter, 'Webhook URL');
    await run.type(`${SECRETS.token}${KEYS.enter}`, 'Webhook token');
    await run.type(KEYS.enter, 'Access key ID');
    await run.type(KEYS.enter, 'Secret access key');
    const { code, screen } = await run.result;
    expect(code).toBe(0);
    expect(screen).not.toContain(SECRETS.token);
    expect(screen).toContain('.recorduploadrc (only you can read it)');
    expect(readFileSync(join(cwd, '.recordupload-token'), 'utf8')).toBe(`${SECRETS.token}\n`);
    expect(readFileSync(join(cwd, '.recorduploadrc'), 'utf8')).toContain('email: ada@example.com');
  });

  test('Ctrl-C ends it with 130, also where a secret is asked for; nothing is written, and the cursor is back', async () => {
    const { cwd, run } = start('config', 'init', '--here');
    for (const question of ['URL of the', 'Region', 'Bucket', 'AWS profile', 'e-mail', 'Webhook URL']) {
      await run.type(KEYS.enter, question);
    }
    await run.type(`half-a-tok${KEYS.ctrlC}`, 'Webhook token');
    const { code, screen } = await run.result;
    expect(code).toBe(130);
    expect(screen).toContain('interrupted by SIGINT');
    expect(screen).toContain('nothing was written; run the same command again');
    expect(screen).not.toContain('progress is saved');
    expect(screen).not.toContain('half-a-tok');
    expect(screen.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(screen.lastIndexOf(HIDE_CURSOR));
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('Ctrl-D is an empty answer', async () => {
    const { cwd, run } = start('config', 'init', '--here');
    await run.type(`https://s3.example.com${KEYS.enter}`, 'URL of the S3 service');
    const questions = ['Region', 'Bucket', 'AWS profile', 'e-mail', 'Webhook URL', 'token', 'key ID', 'Secret access'];
    for (const question of questions) await run.type(KEYS.ctrlD, question);
    const { code, screen } = await run.result;
    expect({ code, files: readdirSync(cwd) }).toEqual({ code: 0, files: ['.recorduploadrc'] });
    expect(readFileSync(join(cwd, '.recorduploadrc'), 'utf8')).toContain('region: us-west-1\nbucket: fyemeet\n');
    expect(screen.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(screen.lastIndexOf(HIDE_CURSOR));
  });

  test('an input that has ended is an empty answer to all that is still asked', async () => {
    const cwd = tempDir();
    const person = fakeTerminal({ cwd, env: { HOME: tempDir() } });
    const { signal } = new AbortController();
    const { terminal } = person;
    const running = configInit({
      command: 'config init',
      args: [],
      options: { here: true },
      terminal,
      commands: [],
      signal,
    });
    await person.answer('URL of the S3 service', 'https://s3.example.com');
    await person.answer('Region', '');
    person.end();
    expect(await running).toBe(0);
    expect(readFileSync(join(cwd, '.recorduploadrc'), 'utf8')).toContain('endpoint: https://s3.example.com\n');
  });
});
