import { copyFileSync, cpSync, linkSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp-dir.ts';

let made: { node: string; launcher: string } | undefined;

/**
 * The built program, and the Node that runs it, where every user can reach them: a clone may lie in a folder that is
 * root's alone.
 * @param root the folder of the built program
 */
export function publicProgram(root: string): { node: string; launcher: string } {
  if (made) return made;
  const folder = tempDir();
  for (const path of ['bin', 'dist', 'package.json']) cpSync(join(root, path), join(folder, path), { recursive: true });
  const node = join(folder, 'node');
  try {
    linkSync(process.execPath, node);
  } catch {
    copyFileSync(process.execPath, node); // another disk
  }
  made = { node, launcher: join(folder, 'bin/recordupload.js') };
  return made;
}
