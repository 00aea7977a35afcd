import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});

const cli = (file: string) => JSON.stringify(new URL(`../../src/cli/${file}`, import.meta.url).href);
const ENDING = `import { endAfter } from ${cli('process-end.ts')};`;
const INTERRUPTION = `import { onInterruption } from ${cli('interruption.ts')};`;
/** As a server that nobody closes. */
const OPEN = 'setInterval(() => {}, 1000);';

const HANGING = [ENDING, INTERRUPTION, OPEN, 'onInterruption();', 'endAfter(new Promise(() => {}));'];
const READY = "process.stdout.write('ready');";

/** Runs a module of these lines; `on` gets each piece of its output. */
async function runModule(lines: readonly string[], on: (text: string, kill: (signal: NodeJS.Signals) => void) => void) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', lines.join('\n')], { stdio: 'pipe' });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      on(piece, signal => child.kill(signal));
    });
  }
  const [code] = await once(child, 'close');
  return { code, text };
}
const ignore = () => {};

describe('a command that is done', () => {
  test('ends the process with its status, whatever is still open', async () => {
    expect(await runModule([ENDING, OPEN, 'endAfter(Promise.resolve(4));'], ignore)).toEqual({ code: 4, text: '' });
  });

  test('in an error behind an open sandbox ends the process and leaves nothing', async () => {
    const temporary = tempDir();
    const args = ['upload', makeRecording(), '--sandbox', '--bwlimit', 'nonsense'];
    const { code, stdout, stderr } = await openDesk(sandbox, { TMPDIR: temporary }).run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: --bwlimit: .* got "nonsense"\n$/);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('does not lose what a slow reader has not read yet', async () => {
    const desk = openDesk(sandbox);
    const file = join(desk.stateDir, 'logs/app.log');
    mkdirSync(dirname(file), { recursive: true });
    const line = { time: '2026-01-02T03:04:05.000Z', level: 'info', msg: 'uploaded '.repeat(10) };
    writeFileSync(file, `${JSON.stringify(line)}\n`.repeat(10_000));
    const args = ['logs', '--json', '--lines', '10000'];
    const run = desk.start(args, { holdStdout: true });
    await run.writes();
    // Time enough for a process that does not wait for its reader to be over.
    await new Promise(resolve => setTimeout(resolve, 2_000));
    run.readStdout();
    const { code, stdout, stderr } = await run.result;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.length).toBeGreaterThan(1_000_000);
    expect(JSON.parse(stdout).result.lines).toHaveLength(10_000);
  });
});

describe('a command that is not done', () => {
  test('and waits for nothing is told as a bug', async () => {
    const { code, text } = await runModule([ENDING, 'endAfter(new Promise(() => {}));'], ignore);
    expect({ code, text }).toEqual({
      code: 1,
      text: expect.stringMatching(/^error: recordupload ended before it was done \(.*report this.*\)\n$/),
    });
  });

  test('ends at once at the second signal', async () => {
    const again = "process.on('SIGINT', () => process.stdout.write('again'));";
    const { code, text } = await runModule([...HANGING, again, READY], (piece, kill) => {
      if (piece === 'ready') kill('SIGINT');
      if (piece === 'again') kill('SIGTERM');
    });
    expect({ code, text }).toEqual({
      code: 143,
      text: expect.stringMatching(/^readyagaininterrupted by SIGTERM again \(progress is saved.*\)\n$/),
    });
  });
});

describe('one SIGTERM', () => {
  test('ends an upload at any time', async () => {
    const fault = sandbox.faults.add({ server: 's3', times: Number.POSITIVE_INFINITY, action: { hang: 'before' } });
    const dir = makeRecording();
    const runs = Array.from({ length: 12 }, async (_, index) => {
      const run = openDesk(sandbox).start(['upload', dir]);
      await new Promise(resolve => setTimeout(resolve, 25 * index));
      run.kill('SIGTERM');
      return (await run.result).code;
    });
    // null: the signal itself ended it, because the program was not there yet.
    for (const code of await Promise.all(runs)) expect([143, null]).toContain(code);
    fault.remove();
  });

  /** Writes more than a pipe holds, to a reader that never reads. */
  async function unread() {
    const desk = openDesk(sandbox);
    const file = join(desk.stateDir, 'logs/app.log');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ msg: 'uploaded '.repeat(100) })}\n`.repeat(1_000));
    const run = desk.start(['logs', '--json', '--lines', '1000'], { holdStdout: true });
    await run.writes();
    run.kill('SIGTERM');
    const { code, stderr } = await run.result;
    return { code, text: stderr };
  }

  test('ends a command that does not stop, and one whose output nobody reads', async () => {
    const neverStops = runModule([...HANGING, READY], (piece, kill) => {
      if (piece === 'ready') kill('SIGTERM');
    });
    for (const end of await Promise.all([neverStops, unread()])) {
      expect(end).toEqual({
        code: 143,
        text: expect.stringMatching(
          /^(ready)?interrupted by SIGTERM, but it did not stop within 5 s \(progress .*\)\n$/,
        ),
      });
    }
  });
});

describe('few file descriptors', () => {
  const LIMIT = /too many open files.*ulimit -n|the state in .* cannot be opened/;
  test.each([23, 27, 30, 33, 36])('with %i, an upload works, or says what is wrong', async openFiles => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const files = { 'recording.json': '{"duration_seconds": 9}', 'thumbnail.jpg': null, 'transcript.txt': null };
    const dir = makeRecording({ name: id, videoBytes: 40_000_000, files });
    const env = { RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '1s' };
    const { code, stderr } = await desk.run(['upload', dir], { openFiles, env });
    if (code === 0) expect(webhooksOf(sandbox, id)).toHaveLength(1);
    else expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringMatching(LIMIT) });
  });
});
