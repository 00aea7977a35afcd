import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config/load-config.ts';
import { AppError } from '../../src/core/errors.ts';
import { tempDir } from '../support/temp-dir.ts';

/*
 * Another user can write to the working folder, and exchanges his file for ours and back all the time: what is judged
 * must be what was read.
 */

const NOBODY = 65_534;
const LOADS = 300;
/** Puts each of two files at the name in turn. */
const EXCHANGE = `
  const { renameSync } = require('node:fs');
  const [name, ours, theirs] = process.argv.slice(1);
  process.stdout.write('ready');
  for (;;) {
    renameSync(theirs, name);
    renameSync(name, theirs);
    renameSync(ours, name);
    renameSync(name, ours);
  }`;
const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot('a file that is exchanged while it is read', () => {
  test.each([
    ['.recorduploadrc', 'region: '],
    ['.env', 'RECORDUPLOAD_REGION='],
  ])('%s: another user’s never counts as ours', async (name, setting) => {
    const dir = tempDir();
    const cwd = join(dir, 'work');
    mkdirSync(cwd);
    chmodSync(cwd, 0o777);
    const [ours, theirs] = [join(cwd, 'ours'), join(cwd, 'theirs')];
    writeFileSync(ours, `${setting}ours-1\n`);
    writeFileSync(theirs, `${setting}theirs-1\n`);
    chownSync(theirs, NOBODY, NOBODY);
    const exchange = spawn(process.execPath, ['-e', EXCHANGE, join(cwd, name), ours, theirs], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise(resolve => exchange.stdout.once('data', resolve));
    const seen = new Set<string>();
    for (let load = 0; load < LOADS; load++) {
      try {
        seen.add((await loadConfig({ cwd, env: { HOME: dir } })).config.region);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        expect(error.message).toMatch(/: belongs to another user \(uid 65534\)/);
        seen.add('refused');
      }
    }
    exchange.kill('SIGKILL');
    expect(seen).toContain('refused');
    expect(seen).not.toContain('theirs-1');
  });
});
