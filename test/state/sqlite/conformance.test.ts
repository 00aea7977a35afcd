import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openState, openTemporaryState } from '../../../src/state/open.ts';
import { describeState, type Place } from '../conformance.ts';

const PROCESS = join(import.meta.dirname, '../conformance/crashing-process.ts');

async function makeFolder(): Promise<Place> {
  const dir = mkdtempSync(join(tmpdir(), 'recordupload-state-'));
  return {
    open: pid => openState(dir, { pid }),
    crash: step =>
      new Promise((resolve, reject) => {
        execFile(process.execPath, [PROCESS, 'sqlite', dir, step], (error, _, stderr) => {
          if (error?.signal === 'SIGKILL') resolve();
          else reject(new Error(`the process was not killed: ${stderr}`));
        });
      }),
    remove: async () => rmSync(dir, { recursive: true, force: true }),
  };
}

async function makeMemory(): Promise<Place> {
  return { open: pid => openTemporaryState({ pid }), remove: async () => {} };
}

describeState('a state in SQLite', makeFolder, { isShared: true });
describeState('a state in memory', makeMemory, { isShared: false });
