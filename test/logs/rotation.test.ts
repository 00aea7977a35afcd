import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { followLog, readLastLines } from '../../src/app/logs/log-reader.ts';
import { openLogFile } from '../../src/app/observers/log-file.ts';
import { tempDir } from '../support/temp-dir.ts';

const never = (error: Error) => {
  throw error;
};
const all = () => true;
const linesOf = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n');

describe('a log', () => {
  test('is put aside when it is full, and so many are kept', () => {
    const file = join(tempDir(), 'logs', 'app.log');
    const line = (letter: string) => `{"level":"info","time":"${letter.repeat(9)}"}`;
    const log = openLogFile(file, never, { maxBytes: 80, kept: 2 });
    for (const letter of 'abcdefgh') log.write(`${line(letter)}\n`);
    log.close();
    expect(linesOf(file)).toEqual(['g', 'h'].map(line));
    expect(linesOf(`${file}.1`)).toEqual(['e', 'f'].map(line));
    expect(linesOf(`${file}.2`)).toEqual(['c', 'd'].map(line));
    expect(existsSync(`${file}.3`)).toBe(false);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('loses no line and mixes none, however many processes write and put it aside', async () => {
    const dir = tempDir();
    const file = join(dir, 'app.log');
    const worker = resolve(import.meta.dirname, 'append-worker.ts');
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(
      names.map(name => promisify(execFile)(process.execPath, [worker, file, name, '400', '4000', '50'])),
    );
    const files = readdirSync(dir).filter(name => /^app\.log(\.\d+)?$/.test(name));
    expect(files.length).toBeGreaterThan(5);
    const seen = files.flatMap(name => linesOf(join(dir, name))).map(line => JSON.parse(line) as { name: string });
    expect(names.map(name => seen.filter(line => line.name === name).length)).toEqual([400, 400, 400, 400]);
  });

  test('is begun anew where somebody else has moved it away', () => {
    const file = join(tempDir(), 'app.log');
    const log = openLogFile(file, never);
    log.write('one\n');
    renameSync(file, `${file}.old`);
    log.write('two\n');
    log.close();
    expect(linesOf(file)).toEqual(['two']);
  });

  test('that cannot be written says so once, and stops nothing', () => {
    const failures: string[] = [];
    const obstacle = join(tempDir(), 'obstacle');
    writeFileSync(obstacle, '');
    for (const file of ['/dev/full', join(obstacle, 'app.log')]) {
      const log = openLogFile(file, error => failures.push(error.message));
      log.write('one\n');
      log.write('two\n');
      log.close();
    }
    expect(failures).toEqual([
      expect.stringContaining('it is a device, not a file'),
      expect.stringMatching(/ENOTDIR|EEXIST/),
    ]);
  });
});

describe('reading', () => {
  test('goes back into the files that were put aside, only as far as is needed', () => {
    const file = join(tempDir(), 'app.log');
    writeFileSync(`${file}.2`, '1\n2\n');
    writeFileSync(`${file}.1`, '3\n4\n');
    writeFileSync(file, '5\n');
    expect(readLastLines(file, 2, all)).toEqual(['4', '5']);
    expect(readLastLines(file, 9, line => line !== '4')).toEqual(['1', '2', '3', '5']);
    expect(readLastLines(`${file}.none`, 9, all)).toEqual([]);
  });

  test('follows a log over two rotations at once, over half lines, and from before it is there', () => {
    const file = join(tempDir(), 'app.log');
    const follower = followLog(file);
    expect(follower.next()).toEqual([]);
    writeFileSync(file, 'a\nb');
    expect(follower.next()).toEqual(['a']);
    appendFileSync(file, 'b\n');
    renameSync(file, `${file}.2`);
    writeFileSync(`${file}.1`, 'c\n');
    writeFileSync(file, 'd\n');
    expect(follower.next()).toEqual(['bb', 'c', 'd']);
    // On its way when the file was put aside.
    appendFileSync(`${file}.2`, 'late\n');
    expect(follower.next()).toEqual(['late']);
    follower.close();
  });
});
