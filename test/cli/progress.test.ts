import { describe, expect, test } from '@jest/globals';
import { createProgress, type LiveBlock } from '../../src/cli/terminal/progress.ts';
import { createJsonProgress } from '../../src/cli/terminal/progress-json.ts';
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

  test.each([
    [80, 1],
    [40, 2],
    [20, 2],
  ])('no line is wider than a terminal of %i columns, also once that has changed', (columns, rows) => {
    const { progress, lines, width } = look(80);
    progress.observe({ type: 'file-started', ...file, sizeBytes: 5e9, resumedBytes: 0 });
    progress.observe({ type: 'file-progress', ...file, bytes: 2e9 });
    width.columns = columns;
    expect(lines()).toHaveLength(rows);
    expect(lines().at(-1)).toContain(' 40 %  ');
    // ora's sign and a space come before it.
    for (const line of lines()) expect(2 + line.length).toBeLessThan(columns);
  });

  test('the numbers of several files stand below each other', () => {
    const { progress, lines } = look(80);
    for (const [name, bytes] of [
      ['video.mkv', 2e9],
      ['a-longer-name.txt', 5e6],
    ] as const) {
      progress.observe({ type: 'file-started', recordingId: '7', name, sizeBytes: 5e9, resumedBytes: 0 });
      progress.observe({ type: 'file-progress', recordingId: '7', name, bytes });
    }
    expect(lines()).toEqual([
      '7/video.mkv           40 %   2.0 GB of 5.0 GB',
      '7/a-longer-name.txt    0 %   5.0 MB of 5.0 GB',
    ]);
  });

  test('why a webhook failed is left to the summary below it, and told where there is no terminal', () => {
    const answer = {
      type: 'webhook-answered',
      recordingId: '7',
      endpoint: 'default',
      webhookId: 'msg_1',
      line: '❌ Webhook timeout',
      outcome: 'pending',
      durationMs: 30_000,
      detail: 'the server is slow',
    } as const;
    const told = [true, false].map(live => {
      const { terminal, err } = fakeTerminal({ cwd: '/' });
      createProgress({ ...terminal, live }, undefined).observe(answer);
      return err();
    });
    expect(told).toEqual(['❌ Webhook timeout\n', '❌ Webhook timeout: the server is slow\n']);
  });

  test('lines about one of several endpoints name it', () => {
    const { terminal, err } = fakeTerminal({ cwd: '/' });
    const { observe } = createProgress(terminal, undefined);
    const sent = { recordingId: '7', endpoint: 'archive', webhookId: 'msg_1' };
    observe({ type: 'webhook-sending', ...sent, url: 'https://ops.example.com/', trigger: 'upload' });
    const line = '✅ Webhook sent successfully';
    observe({ type: 'webhook-answered', ...sent, line, outcome: 'delivered', durationMs: 3 });
    observe({ type: 'webhook-waiting', ...sent, until: new Date(2026, 0, 31, 14, 0, 5).getTime() });
    expect(linesOf(err())).toEqual([
      '📤 Sending webhook to https://ops.example.com/ (archive)',
      `${line} (archive)`,
      '… 7: the webhook (archive) waits until 2026-01-31 14:00:05 because an older payload may still be arriving',
    ]);
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
    // The summary lists them.
    expect(err()).toBe('');
  });
});
