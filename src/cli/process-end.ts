import { existsSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { EXIT, EXIT_OF_SIGNAL, type ExitCode } from './exit-codes.ts';

/** How long whatever is still open may keep a process alive whose command is done and whose output is written. */
const LINGER_MS = 1_000;

/**
 * Ends the process with the command's exit status once its output is written, whatever is still open then. A process
 * whose event loop runs empty before the command is done says so, and ends as a bug.
 */
export async function endAfter(command: Promise<ExitCode>): Promise<void> {
  // Until the command has said how it ended, no end is a good one.
  process.exitCode = EXIT.bug;
  process.once('beforeExit', endTooEarly);
  const status = await command;
  process.exitCode = status;
  process.removeListener('beforeExit', endTooEarly);
  // A slow reader still gets everything: `process.exit` would drop what a pipe has not taken yet.
  await Promise.all([written(process.stdout), written(process.stderr)]);
  // Nothing is left to do: Node need not tidy up its memory, which takes 4 ms after a small upload, 10 after a large one.
  process.once('beforeExit', () => endNow(status));
  setTimeout(() => endNow(status), LINGER_MS).unref();
}

const SHELL = '/bin/sh';

/**
 * Ends the process at once. `process.exit` waits until all threads have ended, and a thread that waits for a dead network
 * drive never does. Where there may be such a thread, a shell takes the place of the process and exits with the status:
 * the system ends all threads then. Without a shell, the process dies of the signal that asked it to stop (a shell
 * shows the same status then), or of SIGKILL.
 */
export function endNow(status: ExitCode): never {
  if (!mayHang(status)) process.exit(status);
  process.exitCode = status;
  // Restores the terminal.
  process.emit('exit', status);
  if (process.execve && existsSync(SHELL)) process.execve(SHELL, [SHELL, '-c', `exit ${process.exitCode}`], {});
  const signal =
    status === EXIT_OF_SIGNAL.SIGINT ? 'SIGINT' : status === EXIT_OF_SIGNAL.SIGTERM ? 'SIGTERM' : 'SIGKILL';
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  return process.exit(status);
}

/**
 * An interrupted command may have left a thread in the middle of a file; Node does not list threads. It lists what its own
 * thread pool is busy with: the look at a file that never comes back.
 */
function mayHang(status: ExitCode): boolean {
  if (process.platform === 'win32') return false;
  const isInterrupted = status === EXIT.interrupted || status === EXIT.terminated;
  return isInterrupted || process.getActiveResourcesInfo().some(name => name.startsWith('FSReq'));
}

function endTooEarly(): void {
  process.stderr.write(
    'error: recordupload ended before it was done (please report this; nothing is lost: run it again)\n',
  );
  process.exit(EXIT.bug);
}

/** Resolves once everything is written, or cannot be written any more. */
async function written(stream: Writable): Promise<void> {
  if (stream.writableLength > 0) await new Promise<void>(resolve => stream.write('', () => resolve()));
}
