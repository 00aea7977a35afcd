import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { COMMAND_LINE } from './command-line.ts';
import { CONFIGURATION, CONFIGURATION_TEXTS } from './configuration.ts';
import { DASHBOARD, DASHBOARD_MADE } from './dashboard.ts';
import { errorTexts } from './error-texts.ts';
import { FLEET, FLEET_MADE } from './fleet.ts';
import { expectMet, type Made, type Meeting, made, meet } from './meeting.ts';
import { FRESH, RECORDINGS, RECORDINGS_MADE } from './recordings.ts';
import { STATE, STATE_MADE } from './state.ts';
import { STORAGE, STORAGE_MADE } from './storage.ts';
import { TRIES, WEBHOOKS } from './webhooks.ts';

/*
 * Every error that people can meet: what it says, what to do next (in brackets), and the exit status. The lists beside
 * this file are the reference; the last test finds what is missing in them.
 */

const sandbox = await openSandbox({ receiver: { users: ['operator@example.com'] } });
afterEach(() => sandbox.faults.clear());

/** Everything that was said. */
const said: string[] = [];

function list(meetings: readonly Meeting[]): void {
  test.each(meetings)('$exit: $says', async meeting => {
    const met = await meet(meeting, sandbox);
    said.push(met.text);
    expectMet(met, meeting);
  });
}

function listMade(all: readonly Made[]): void {
  test.each(all)('$exit: $says', async one => {
    const met = await made(one);
    said.push(met.text);
    expectMet(met, one);
  });
}

/** What is a part of an error, made where the program makes it. */
function listTexts(texts: readonly { says: string; text: string | undefined }[]): void {
  test.each(texts)('$says', ({ says, text }) => {
    said.push(text ?? '');
    expect(text).toBe(says);
  });
}

describe('a wrong command line', () => list(COMMAND_LINE));
describe('a wrong configuration', () => {
  list(CONFIGURATION);
  listTexts(CONFIGURATION_TEXTS);
});
describe('a folder that is no usable recording', () => {
  list(RECORDINGS);
  list(FRESH);
  listMade(RECORDINGS_MADE);
});
describe('a bucket that refuses, or has not what it should have', () => {
  list(STORAGE);
  listMade(STORAGE_MADE);
});
describe('a state that cannot be used', () => {
  list(STATE);
  listMade(STATE_MADE);
});
describe('a state that a fleet shares, and that cannot be used', () => {
  list(FLEET);
  listMade(FLEET_MADE);
});
describe('a dashboard that does not start', () => {
  list(DASHBOARD);
  listMade(DASHBOARD_MADE);
});
describe('a webhook that is not delivered', () => {
  list(WEBHOOKS);
  listTexts(TRIES);
});

test('6: another process (pid …) is at work on recording 3', async () => {
  sandbox.faults.add({ server: 's3', times: Number.POSITIVE_INFINITY, action: { hang: 'before' } });
  const desk = openDesk(sandbox);
  const dir = makeRecording({ name: '3' });
  const first = desk.start(['upload', dir, '--progress', 'json']);
  await first.prints('recording-started');
  const { code, stderr } = await desk.run(['upload', dir]);
  first.kill('SIGKILL');
  await first.result;
  said.push(stderr);
  expect(code).toBe(6);
  const hint = 'wait until it has ended; recordupload status shows what it does';
  expect(stderr).toBe(`error: another process (pid ${first.pid}) is at work on recording 3 (${hint})\n`);
});

test('6: recordupload watch runs already with this state', async () => {
  const desk = openDesk(sandbox);
  const first = desk.start(['watch']);
  await first.prints('watching');
  const { code, stderr } = await desk.run(['watch']);
  said.push(stderr);
  expect(code).toBe(6);
  const hint = 'it does all the work; recordupload status shows what it does';
  expect(stderr).toBe(`error: recordupload watch runs already with this state, as process ${first.pid} (${hint})\n`);
  const rc = { stateDir: join(desk.cwd, 'elsewhere') };
  writeFileSync(join(desk.cwd, '.recorduploadrc'), JSON.stringify(rc), { mode: 0o600 });
  first.kill('SIGHUP');
  said.push(await first.prints('restart the worker to change it'));
  first.kill('SIGTERM');
  await first.result;
});

describe('being interrupted', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ] as const)('by %s: %i', async (signal, exit) => {
    sandbox.faults.add({ server: 's3', times: Number.POSITIVE_INFINITY, action: { hang: 'before' } });
    const run = openDesk(sandbox).start(['upload', makeRecording(), '--progress', 'json']);
    await run.prints('recording-started');
    run.kill(signal);
    const { code, stderr } = await run.result;
    said.push(stderr);
    expect(code).toBe(exit);
    expect(stderr).toContain(`interrupted by ${signal} (progress is saved; run the same command to resume)`);
  });
});

test('every error that the program can make is in one of these lists', () => {
  const all = said.join('\n');
  const missing = errorTexts(join(import.meta.dirname, '../../src')).filter(({ text }) => !all.includes(text));
  expect(missing.map(({ file, line, text }) => `${file}:${line}: ${text}`)).toEqual([]);
});
