import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox, readJson } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

const sandbox = await openSandbox();

type Line = Record<string, unknown>;

function writeLog(stateDir: string, text: string): string {
  const file = join(stateDir, 'logs', 'app.log');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const line = (fields: Line) => `${JSON.stringify({ time: '2026-01-02T03:04:05.000Z', level: 'info', ...fields })}\n`;

describe('logs', () => {
  test('tells what happened: time, level, recording, message; every line carries its run', async () => {
    const desk = openDesk(sandbox);
    await desk.run(['upload', makeRecording({ name: 'l1' })]);
    await desk.run(['upload', makeRecording({ name: 'l2' })]);
    const { stdout } = await desk.run(['logs', '--id', 'l1']);
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}info {3}l1 {2}upload started/);
    expect(stdout).toContain('✅ Webhook sent successfully');
    expect(stdout).not.toContain('l2');
    const { result } = readJson<{ lines: Line[] }>(await desk.run(['logs', '--json', '--lines', '1000']));
    expect(new Set(result.lines.map(one => one.run)).size).toBe(2);
    expect(result.lines.every(one => /^[0-9a-f]{8}$/.test(String(one.run)))).toBe(true);
    const sent = result.lines.filter(one => String(one.msg).includes('Webhook'));
    expect(sent.every(one => one.delivery !== undefined && one.recording !== undefined)).toBe(true);
  });

  test('shows what is at least so serious, and only so many lines', async () => {
    const desk = openDesk(sandbox);
    writeLog(
      desk.stateDir,
      line({ msg: 'a' }) + line({ level: 'warn', msg: 'b' }) + line({ level: 'error', msg: 'c' }),
    );
    const serious = await desk.run(['logs', '--level', 'warn']);
    expect(serious.stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/warn {3}b$/),
      expect.stringMatching(/error {2}c$/),
    ]);
    expect((await desk.run(['logs', '--lines', '1'])).stdout).toMatch(/^\S+ \S+ {2}error {2}c\n$/);
    expect((await desk.run(['logs', '--level', 'loud'])).code).toBe(2);
  });

  test('what is hostile or broken drives no terminal', async () => {
    const desk = openDesk(sandbox);
    writeLog(
      desk.stateDir,
      `${line({ recording: 'x\u001b[2J', msg: '\u001b]0;title\u0007', detail: '\u202ereversed' })}{"cut \u001b[31m off\n`,
    );
    const { code, stdout } = await desk.run(['logs']);
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(stdout).toContain('\\u001b[2J');
    expect(stdout).toContain('{"cut \\u001b[31m off');
  });

  test('a log that is not there yet is no failure', async () => {
    const { code, stdout, stderr } = await openDesk(sandbox).run(['logs']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('no log yet');
  });

  test('--follow goes on with what is written, until it is interrupted', async () => {
    const desk = openDesk(sandbox);
    const file = writeLog(desk.stateDir, line({ msg: 'before' }));
    const running = desk.start(['logs', '--follow', '--level', 'warn']);
    const shown = desk.start(['logs', '--follow']);
    await shown.printed('before');
    appendFileSync(file, line({ msg: 'quiet' }) + line({ level: 'error', msg: 'after' }));
    await Promise.all([running.printed('after'), shown.printed('after')]);
    for (const one of [running, shown]) one.kill('SIGINT');
    const result = await running.result;
    expect(result.code).toBe(0);
    expect(result.stdout).not.toContain('quiet');
    expect((await shown.result).code).toBe(0);
  });

  test('an upload goes through without a log, with one warning', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_LOG_FILE: '/dev/full' });
    const { code, stderr } = await desk.run(['upload', makeRecording({ name: 'l3' })]);
    expect(code).toBe(0);
    expect(stderr.match(/the log \/dev\/full cannot be written/g)).toHaveLength(1);
  });
});
