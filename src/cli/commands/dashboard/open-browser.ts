import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/**
 * Opens the browser at an address with a token. The token stays out of the list of processes, which all users can read:
 * the browser gets a file of this user's that leads on.
 * @returns removes the file
 */
export async function openBrowser(address: string, env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'recordupload-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const file = join(folder, 'dashboard.html');
    const html = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${address}"><title>recordupload</title>`;
    await writeFile(file, html, { mode: 0o600 });
    const [program = 'xdg-open', ...args] = OPENERS[process.platform] ?? ['xdg-open'];
    const child = spawn(program, [...args, pathToFileURL(file).href], { env, stdio: 'ignore', detached: true });
    // Without a browser, the address is on the terminal.
    child.on('error', () => {});
    child.unref();
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}
