import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** `USER_HZ`: /proc counts processor time in hundredths of a second, on every architecture that Linux runs Node on. */
const TICK_MS = 10;

/**
 * Above this many cores for other processes, two builds that take the same time differ by more than a budget's 5 %.
 * Below it are the kernel's own threads and the ticks by which it counts.
 */
export const QUIET_CORES = 0.15;

/** Processor time that the whole machine has used since it started, and what its host took from it; 0 without /proc. */
export function machineBusyMs(): number {
  const [, counts = ''] = /^cpu +(.*)$/m.exec(readOr('/proc/stat')) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = counts.split(' ').map(Number);
  return (user + nice + system + irq + softirq + steal) * TICK_MS;
}

/** Processor time of a process so far; 0 where it is gone. */
export function processCpuMs(pid: number | undefined): number {
  // The name, in brackets, may hold blanks.
  const fields = readOr(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS;
}

/** Processor time of this process so far. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The load averages of 1, 5 and 15 minutes, and how many cores other processes use at this moment. */
export async function lookAtMachine(sampleMs = 1_000): Promise<{ load: string; otherCores: number }> {
  const before = { busy: machineBusyMs(), own: ownCpuMs(), at: performance.now() };
  await sleep(sampleMs);
  const others = machineBusyMs() - before.busy - (ownCpuMs() - before.own);
  const load = readOr('/proc/loadavg').split(' ').slice(0, 3).join(' ');
  return { load: load || 'unknown', otherCores: Math.max(0, others / (performance.now() - before.at)) };
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
