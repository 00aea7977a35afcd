#!/usr/bin/env node
// The launcher: starts the built program, under a Node that is new enough.
// An old Node must understand this file's syntax and imports, so that it gets as far as the message.
import { fileURLToPath } from 'node:url';
import { printVersion, startProgram, versionOfPackage } from './start-program.js';

/** The oldest Node that can run the program: from 24.5 on, Node's agents can use a proxy. */
const NEEDED = { major: 24, minor: 5 };

const root = fileURLToPath(new URL('..', import.meta.url));
const [major, minor] = process.versions.node.split('.').map(Number);
const isHandedOver = Boolean(process.env.RECORDUPLOAD_HANDED_OVER);

if (major > NEEDED.major || (major === NEEDED.major && minor >= NEEDED.minor)) {
  if (isHandedOver) stopWithLauncher();
  if (/^(-V|--version)$/.test(process.argv.slice(2).join(' '))) printVersion(versionOfPackage(root));
  else startProgram(root);
} else {
  const needed = `${NEEDED.major}.${NEEDED.minor}`;
  import('./hand-over.js').then(({ handOver }) => handOver(root, { needed, isHandedOver }));
}

/**
 * Ends this process as soon as the launcher that handed over to it is gone: `kill -9` of that one must stop the work too.
 * The channel between the two closes then. Where the variable came from elsewhere there is no channel.
 */
function stopWithLauncher() {
  delete process.env.RECORDUPLOAD_HANDED_OVER;
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  if (process.channel) process.channel.unref();
}
