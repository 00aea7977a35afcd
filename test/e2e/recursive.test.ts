import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

const sandbox = await openSandbox();

describe('upload --recursive', () => {
  test('uploads every recording below a root, in one run with one summary', async () => {
    const desk = openDesk(sandbox);
    const root = tempDir();
    const [shallow, deep, inside, hidden] = [freshId(), freshId(), freshId(), freshId()];
    const outer = makeRecording({ name: shallow, parent: root });
    makeRecording({ name: deep, parent: join(root, '2026', 'october') });
    makeRecording({ name: inside, parent: outer });
    makeRecording({ name: hidden, parent: join(root, '.trash') });
    mkdirSync(join(root, 'empty'));
    writeFileSync(join(root, 'notes.txt'), 'no recording');
    symlinkSync(root, join(root, 'circle'));
    const { code, stdout, stderr } = await desk.run(['upload', '--recursive', root]);
    expect([code, stderr.includes('error')]).toEqual([0, false]);
    expect(stdout).toContain('2 recordings: 2 uploaded');
    expect([shallow, deep, inside, hidden].map(id => webhooksOf(sandbox, id).length)).toEqual([1, 1, 0, 0]);
  });

  test('a folder that is named twice is uploaded once', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    symlinkSync(dir, join(desk.home, 'same'));
    const run = await desk.run(['upload', '--recursive', dir, `${dir}/`, '--json']);
    expect(run.code).toBe(0);
    expect(readJson<{ recordings: unknown[] }>(run).result.recordings).toHaveLength(1);
    expect(await desk.run(['upload', dir, join(desk.home, 'same')])).toMatchObject({ code: 0 });
  });

  test('of two folders with one id, one is refused: its files would take the place of the other’s', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const root = tempDir();
    makeRecording({ name: id, parent: join(root, '2025') });
    makeRecording({ name: id, parent: join(root, '2026'), videoBytes: 5000 });
    const { code, stderr } = await desk.run(['upload', '--recursive', root, '--quiet']);
    expect(code).toBe(3);
    expect(stderr).toMatch(new RegExp(`(2025|2026)/${id}: it is recording ${id}, and so is .*(2025|2026)/${id}`));
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('a root with nothing below it does not keep the others from being uploaded', async () => {
    const desk = openDesk(sandbox);
    const [root, id] = [tempDir(), freshId()];
    makeRecording({ name: id, parent: root });
    const { code, stdout, stderr } = await desk.run(['upload', '--recursive', root, join(root, 'missing')]);
    expect(code).toBe(3);
    expect(stdout).toContain(`${id}: 3 files uploaded`);
    expect(stderr).toContain('missing does not exist');
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('is advised where the folder of all recordings is named, and helps', async () => {
    const desk = openDesk(sandbox);
    const [root, id] = [join(tempDir(), 'all recordings'), freshId()];
    makeRecording({ name: id, parent: root });
    const { code, stderr } = await desk.run(['upload', root]);
    expect(code).toBe(3);
    expect(stderr).toContain(`recordupload upload --recursive '${root}'`);
    expect(await desk.run(['upload', '--recursive', root])).toMatchObject({ code: 0 });
  });

  test('thousands of other files are counted, not listed', async () => {
    const desk = openDesk(sandbox);
    const files = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`slide-${index}.png`, 'x']));
    const { stdout } = await desk.run(['upload', makeRecording({ files })]);
    expect(stdout).toMatch(/^ {2}skipped: slide-0\.png, (slide-\d+\.png, ){8}slide-\d+\.png and 290 more$/m);
  });

  test('says so where there is none, and where the root is missing', async () => {
    const desk = openDesk(sandbox);
    const empty = tempDir();
    expect(await desk.run(['upload', '--recursive', empty])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('has no recording below it'),
    });
    expect(await desk.run(['upload', '--recursive', join(empty, 'missing')])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('does not exist'),
    });
  });
});
