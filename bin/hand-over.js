// Hands over to the Node that `npm ci` brought, on a machine whose own Node is too old.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Starts the launcher again under that Node, and passes signals and the exit status through.
 * @param {string} root the folder of the package
 * @param {{needed: string, isHandedOver: boolean}} options the version that the program needs; whether this process was
 * itself started in this way, so that two Nodes that are too old do not start each other for ever
 */
export function handOver(root, { needed, isHandedOver }) {
  const node = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (isHandedOver || !existsSync(node)) {
    // No published package has a lock file, and "npm ci" brings a Node only to a clone.
    const advice = existsSync(join(root, 'package-lock.json'))
      ? `install it, or run "npm ci" in ${root}`
      : 'install it from https://nodejs.org, or take the executable or the Debian package, which bring their own';
    fail(`recordupload needs Node.js ${needed} or newer (this is ${process.versions.node}): ${advice}`);
    return;
  }
  const child = spawn(node, process.argv.slice(1), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, RECORDUPLOAD_HANDED_OVER: '1' },
  });
  // One stream that still is the terminal's is enough to get its Ctrl-C.
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both processes. Passed on, it would be the second one, which ends the program at once.
      if (signal !== 'SIGINT' || !atTerminal) child.kill(signal);
    });
  }
  child.on('error', error => {
    fail(`recordupload: ${node} cannot be started (${error.code}): run "npm ci" in ${root}`);
  });
  child.on('exit', (code, signal) => {
    for (const name of SIGNALS) process.removeAllListeners(name);
    if (signal) process.kill(process.pid, signal);
    else process.exitCode = code;
  });
}

function fail(message) {
  console.error(message);
  process.exitCode = 2;
}
