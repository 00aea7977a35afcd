#!/usr/bin/env node
// The launcher: finds a Node that is new enough, and starts the built program.
// Plain old syntax on purpose, so that an old Node gets as far as the message.
import { fileURLToPath } from 'node:url';
import { printKeptText, startProgram } from './start-program.js';

const NEEDED_MAJOR = 24;
const HANDED_OVER = 'RECORDUPLOAD_HANDED_OVER';
const here = path => fileURLToPath(new URL(path, import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  if (process.env[HANDED_OVER]) dieWithLauncher();
  start(here('../dist/'), process.argv.slice(2));
} else {
  handOver(here(process.platform === 'win32' ? '../node_modules/node/bin/node.exe' : '../node_modules/node/bin/node'));
}

function start(dist, args) {
  try {
    if (!printKeptText(dist, args)) startProgram(dist, args);
  } catch (error) {
    if (error.code !== 'ENOENT' || !String(error.path).startsWith(dist)) throw error;
    console.error(`recordupload is not built yet: run "npm ci && npm run build" in ${here('..')}`);
    process.exitCode = 2;
  }
}

/** Runs the program under the Node that `npm ci` brought, passing signals and the exit status through. */
async function handOver(node) {
  const { existsSync } = await import('node:fs');
  if (!existsSync(node)) {
    console.error(
      `recordupload needs Node.js ${NEEDED_MAJOR} or newer (this is ${process.versions.node}): install it, or run "npm ci" in ${here('..')}`,
    );
    process.exitCode = 2;
    return;
  }
  const { spawn } = await import('node:child_process');
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [HANDED_OVER]: '1' },
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  // `< /dev/null` and pipes take away some of them, and leave the terminal's Ctrl-C.
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of signals) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both processes; passing it on would count as the second one.
      if (signal !== 'SIGINT' || !atTerminal) child.kill(signal);
    });
  }
  child.on('error', error => {
    console.error(`recordupload: ${node} cannot be started (${error.code}): run "npm ci" in ${here('..')}`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    for (const name of signals) process.removeAllListeners(name);
    if (signal) process.kill(process.pid, signal);
    else process.exitCode = code === null ? 1 : code;
  });
}

/**
 * `kill -9` of the launcher must stop the work too: the channel between the two closes when either is gone. There is none
 * where the variable came from elsewhere.
 */
function dieWithLauncher() {
  delete process.env[HANDED_OVER];
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel?.unref();
}
