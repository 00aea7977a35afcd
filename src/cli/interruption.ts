import { InterruptedError, type StopSignal } from '../core/errors.ts';
import { EXIT_OF_SIGNAL } from './exit-codes.ts';
import { endNow } from './process-end.ts';

/** How long an interrupted command may take to stop. Docker, for one, sends SIGKILL 10 s after its SIGTERM. */
const STOP_MS = 5_000;

/**
 * Listens to the signals that ask the program to stop. The first one aborts the command, which then saves its progress and
 * stops; the process ends if that takes more than 5 s, or when a second signal comes.
 * Windows has Ctrl-C and Ctrl-Break; what it calls SIGHUP is the window that closes, and the process ends soon after.
 * @param options.keepsHangUp SIGHUP means something else to the command; not on Windows
 * @returns aborts with an `InterruptedError`
 */
export function onInterruption(
  { keepsHangUp = false }: { keepsHangUp?: boolean | undefined } = {},
  platform = process.platform,
  on = listen,
): AbortSignal {
  const controller = new AbortController();
  const isWindows = platform === 'win32';
  for (const name of Object.keys(EXIT_OF_SIGNAL) as StopSignal[]) {
    if (name === 'SIGHUP' && keepsHangUp && !isWindows) continue;
    const error = new InterruptedError(name);
    const end = (how: string) => {
      process.stderr.write(`${error.message}${how} (${error.hint})\n`);
      endNow(EXIT_OF_SIGNAL[name]);
    };
    const stop = () => {
      if (controller.signal.aborted) return end(' again');
      setTimeout(() => end(`, but it did not stop within ${STOP_MS / 1000} s`), STOP_MS).unref();
      controller.abort(error);
    };
    on(name, stop);
    if (name === 'SIGTERM' && isWindows) on('SIGBREAK', stop);
  }
  return controller.signal;
}

function listen(name: NodeJS.Signals, onSignal: () => void): void {
  process.on(name, onSignal);
}
