import { Worker } from 'node:worker_threads';

/*
 * A network drive that stops answering blocks the thread that asks it, and no signal handler runs while that is the main
 * thread. The kernel then shows the signal as pending. So a thread of its own looks for that, and ends the process.
 */

const LOOK_EVERY_MS = 500;
/** A signal is handled within milliseconds, unless the main thread is blocked or very busy. */
const PATIENCE_MS = 5_000;

/** The bundle has no file for the thread to load. `ShdPnd` in proc_pid_status(5): a mask of the process's pending signals. */
const SCRIPT = `
  const { readFileSync, writeSync } = require('node:fs');
  const { everyMs, patienceMs } = require('node:worker_threads').workerData;
  const STOPS = [['SIGHUP', 1n], ['SIGINT', 2n], ['SIGTERM', 15n]];
  let waitedMs = 0;
  setInterval(() => {
    const mask = BigInt('0x' + /^ShdPnd:\\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'))[1]);
    const pending = STOPS.find(([, number]) => mask & (1n << (number - 1n)));
    waitedMs = pending ? waitedMs + everyMs : 0;
    if (waitedMs < patienceMs) return;
    writeSync(2, 'interrupted by ' + pending[0] + ', but a drive does not answer, so the process is killed (progress is saved; run the same command to resume)\\n');
    process.kill(process.pid, 'SIGKILL');
  }, everyMs);`;

let isWatching = false;

/** Makes sure that a signal ends the process even while the main thread is blocked. Once is enough; only Linux needs it. */
export function watchForBlockedThread(): void {
  if (isWatching || process.platform !== 'linux') return;
  isWatching = true;
  const workerData = { everyMs: LOOK_EVERY_MS, patienceMs: PATIENCE_MS };
  const worker = new Worker(SCRIPT, { eval: true, workerData });
  worker.unref();
  // Without a thread, the program works as on any other drive.
  worker.on('error', () => {});
}
