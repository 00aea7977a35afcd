import { describe, expect, test } from '@jest/globals';
import { createProgress, type LiveBlock } from '../../src/cli/progress.ts';
import { createJsonProgress } from '../../src/cli/progress-json.ts';
import { AppError } from '../../src/core/errors.ts';
import { openDesk, openSandbox, readJson, SECRETS } from '../support/desk.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { makeRecording } from '../support/make-recording.ts';

interface Line {
  version: number;
  at: string;
  type: string;
  [key: string]: unknown;
}

const linesOf = (text: string) => text.trimEnd().split('\n');

describe('--progress json', () => {
  test('writes a line of JSON for each event on stderr, the result on stdout', async () => {
    const desk = openDesk(await openSandbox());
    const dir = makeRecording({ name: '7', parent: desk.cwd });
    const { code, stderr, stdout } = await desk.run(['upload', dir, '--json', '--progress', 'json', '--verbose']);
    expect(code).toBe(0);
    const lines = linesOf(stderr).map(line => JSON.parse(line) as Line);
    const types = lines.map(({ type }) => type);
    expect(types[0]).toBe('recording-started');
    expect(new Set(types)).toEqual(
      new Set(['recording-started', 'file-started', 'file-finished', 'request', 'webhook-sending', 'webhook-answered']),
    );
    expect(lines.every(({ version, at }) => version === 1 && !Number.isNaN(Date.parse(at)))).toBe(true);
    expect(lines.find(({ type }) => type === 'recording-started')?.files).toContainEqual({
      name: 'transcript.txt',
      sizeBytes: 21,
    });
    expect(readJson({ code, stdout, stderr: '' }).result).toBeDefined();
  });

  test('tells of bytes twice a second at most, with what is done of what', () => {
    let now = 0;
    const lines: Line[] = [];
    const { observe } = createJsonProgress(
      line => lines.push(JSON.parse(line) as Line),
      () => now,
    );
    const file = { recordingId: '7', name: 'video.mkv' };
    observe({ type: 'file-started', ...file, sizeBytes: 1000, resumedBytes: 200 });
    for (let step = 0; step < 100; step++) {
      now += 10;
      observe({ type: 'file-progress', ...file, bytes: 5 });
    }
    const told = lines.filter(({ type }) => type === 'file-progress');
    expect(told.map(({ doneBytes, sizeBytes }) => [doneBytes, sizeBytes])).toEqual([
      [450, 1000],
      [700, 1000],
    ]);
  });

  test('tells an error as people get it', () => {
    const lines: string[] = [];
    const { observe } = createJsonProgress(line => lines.push(line));
    const error = new AppError('STORAGE', 'the bucket is gone', { hint: 'make it', cause: new Error('inside') });
    observe({ type: 'file-failed', recordingId: '7', name: 'video.mkv', error });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      error: { code: 'STORAGE', message: 'the bucket is gone', hint: 'make it' },
    });
    expect(lines[0]).not.toContain('inside');
  });

  test('another way than those that there are is refused with their names', async () => {
    const desk = openDesk(await openSandbox());
    const { code, stderr } = await desk.run(['upload', '.', '--progress', 'fancy']);
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are json, plain');
  });
});

describe('--verbose', () => {
  test('shows each request and how it ended, and no secret', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox, { WEBHOOK_URL: `${sandbox.receiver.url}?key=fake-key-in-the-query` });
    const dir = makeRecording({ name: '8', parent: desk.cwd });
    const { code, stderr } = await desk.run(['upload', dir, '--verbose']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^→ PutObject 8\/video\.mkv {2}ok, \d+ ms$/m);
    expect(stderr).toMatch(/^→ PutObject 8\/metadata\.json {2}ok, \d+ ms$/m);
    expect(stderr).toMatch(/^→ POST http:\/\/127\.0\.0\.1:\d+\/recordings\/webhook\/ {2}201, \d+ ms$/m);
    const requests = linesOf(stderr).filter(line => line.startsWith('→'));
    expect(requests.join()).not.toContain('fake-');
    for (const secret of Object.values(SECRETS)) expect(stderr).not.toContain(secret);
  });

  test('goes to stderr beside --json, and tells of requests that fail', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox, { WEBHOOK_TOKEN: 'fake-wrong-token' });
    const dir = makeRecording({ name: '9', parent: desk.cwd });
    const { stdout, stderr, code } = await desk.run(['upload', dir, '--verbose', '--json']);
    expect(stderr).toMatch(/^→ POST .* {2}401, \d+ ms$/m);
    expect(linesOf(stderr).every(line => line.startsWith('→'))).toBe(true);
    expect(readJson({ code, stdout, stderr: '' }).result).toBeDefined();
  });
});

describe('the block on a terminal', () => {
  /** A block that keeps what it was told to draw last. */
  function look(columns: number) {
    let shown: (() => readonly string[]) | undefined;
    const block: LiveBlock = {
      show: lines => {
        shown = lines;
      },
      above: print => print(),
      hide: () => {
        shown = undefined;
      },
    };
    const width = { columns };
    const { terminal, err } = fakeTerminal({ cwd: '/' });
    const progress = createProgress({ ...terminal, columns: () => width.columns }, block);
    return { progress, width, err, lines: () => shown?.() ?? [] };
  }
  const file = { recordingId: 'weekly-2025-10-24', name: 'video.mkv' };

  test.each([80, 40, 20])('no line is wider than a terminal of %i columns, also once that has changed', columns => {
    const { progress, lines, width } = look(80);
    progress.observe({ type: 'file-started', ...file, sizeBytes: 5e9, resumedBytes: 0 });
    progress.observe({ type: 'file-progress', ...file, bytes: 2e9 });
    width.columns = columns;
    expect(lines()).toHaveLength(1);
    // ora's sign and a space come before it.
    expect(2 + (lines()[0] ?? '').length).toBeLessThan(columns);
  });

  test('many files are counted, and the block is gone when the last one is done', () => {
    const { progress, lines, err } = look(80);
    const names = Array.from({ length: 9 }, (_, index) => `part-${index}.txt`);
    for (const name of names) {
      progress.observe({ type: 'file-started', recordingId: '7', name, sizeBytes: 10, resumedBytes: 0 });
    }
    expect(lines()).toHaveLength(7);
    expect(lines().at(-1)).toBe('… and 3 more');
    for (const name of names) {
      progress.observe({ type: 'file-finished', recordingId: '7', name, sizeBytes: 10, sentBytes: 10 });
    }
    expect(lines()).toEqual([]);
    expect(linesOf(err())).toHaveLength(9);
  });
});
