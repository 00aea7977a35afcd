import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

const made: string[] = [];
afterAll(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** A temporary folder that is gone after the test file. Its path has no symbolic link in it. */
export function tempDir(name = 'recordupload-test-'): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), name)));
  // Programs that run as another user must get into it.
  chmodSync(dir, 0o755);
  made.push(dir);
  return dir;
}
