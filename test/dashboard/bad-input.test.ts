import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { KEYS, runInTerminal } from '../support/run-in-terminal.ts';
import { openDashboard } from './support.ts';

const sandbox = await openSandbox({ receiver: { users: 'any' } });

describe('what cannot be served is said in one line', () => {
  const expectOneLine = async (
    desk: ReturnType<typeof openDesk>,
    args: readonly string[],
    code: number,
    says: RegExp,
  ) => {
    const result = await desk.run(['dashboard', '--no-open', ...args]);
    expect(result.stdout).toBe('');
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.stderr).toMatch(says);
    expect(result.code).toBe(code);
  };

  test('a port that another program has', async () => {
    const desk = openDesk(sandbox);
    const { host } = new URL(sandbox.s3.url);
    await expectOneLine(desk, ['--listen', host], 2, /another program listens there/);
  });

  test.each(['', 'x', '127.0.0.1', '127.0.0.1:99999', 'http://127.0.0.1:80', '::1:80', '127.0.0.1:80:80'])(
    '--listen %j',
    async listen => {
      const desk = openDesk(sandbox);
      await expectOneLine(desk, [`--listen=${listen}`], 2, /--listen: expected an address and a port/);
    },
  );

  test('a state that a newer version has written', async () => {
    const desk = openDesk(sandbox);
    mkdirSync(desk.stateDir, { recursive: true });
    const database = new DatabaseSync(join(desk.stateDir, 'state.db'));
    database.exec('PRAGMA user_version = 999');
    database.close();
    await expectOneLine(desk, [], 4, /was written by a newer version \(upgrade recordupload\)/);
  });

  test('a damaged state', async () => {
    const desk = openDesk(sandbox);
    mkdirSync(desk.stateDir, { recursive: true });
    writeFileSync(join(desk.stateDir, 'state.db'), 'no database '.repeat(1000));
    await expectOneLine(desk, [], 4, /is damaged/);
  });

  test('a wrong configuration', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_CONCURRENCY: 'many' });
    await expectOneLine(desk, [], 2, /RECORDUPLOAD_CONCURRENCY/);
  });
});

test('without a state it says that nothing was uploaded, makes none, and shows what comes', async () => {
  const desk = openDesk(sandbox);
  const dashboard = await openDashboard(desk);
  const cookie = await dashboard.signIn();
  expect((await dashboard.ask('/', { cookie })).body).toContain('Nothing has been uploaded from this machine yet');
  for (const path of ['/recordings', '/webhooks', '/logs'])
    expect((await dashboard.ask(path, { cookie })).status).toBe(200);
  expect((await dashboard.ask('/recordings/3', { cookie })).status).toBe(404);
  expect(existsSync(desk.stateDir)).toBe(false);
  await desk.run(['upload', makeRecording({ name: '3' })]);
  expect((await dashboard.ask('/recordings/3', { cookie })).status).toBe(200);
  await dashboard.close();
});

test('a state that breaks while it is shown: the page says so, and shows it again once it is whole', async () => {
  const desk = openDesk(sandbox);
  await desk.run(['upload', makeRecording({ name: '3' })]);
  const dashboard = await openDashboard(desk);
  const cookie = await dashboard.signIn();
  const file = join(desk.stateDir, 'state.db');
  const good = readFileSync(file);
  writeFileSync(file, Buffer.alloc(good.length, 'no database '));
  expect((await dashboard.ask('/recordings', { cookie })).status).toBe(503);
  writeFileSync(file, good);
  expect((await dashboard.ask('/recordings', { cookie })).status).toBe(200);
  await dashboard.close();
});

test('on a terminal it opens the browser; the token is not in the list of processes', async () => {
  const desk = openDesk(sandbox);
  const bin = join(desk.home, 'bin');
  const opened = join(desk.home, 'opened');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'xdg-open'),
    `#!/bin/sh\necho "$1" > ${opened}.part; cat "\${1#file://}" > ${opened}.html; mv ${opened}.part ${opened}\n`,
    { mode: 0o755 },
  );
  const env = { ...desk.env, PATH: `${bin}:${process.env.PATH}` };
  const run = runInTerminal(['dashboard', '--listen', '127.0.0.1:0'], { cwd: desk.cwd, env });
  for (let tries = 0; tries < 200 && !existsSync(opened); tries++) await new Promise(done => setTimeout(done, 50));
  const address = readFileSync(opened, 'utf8');
  expect(address).toMatch(/^file:\/\/\S+\.html\n$/);
  expect(readFileSync(`${opened}.html`, 'utf8')).toMatch(/content="0;url=http:\/\/127\.0\.0\.1:\d+\/sign-in\?token=/);
  await run.type(KEYS.ctrlC, 'listens on');
  const { code } = await run.result;
  expect(code).toBe(0);
  expect(existsSync(new URL(address.trim()))).toBe(false);
});
