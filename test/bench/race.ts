import { measure, median, type Program, type Run } from './measure.ts';

/** One program on one workload: medians. */
export interface Row {
  workload: string;
  program: string;
  wallMs: number;
  cpuMs: number;
  /** Undefined where the workload has no bytes to speak of. */
  cpuSecondsPerGib: number | undefined;
  peakRssMib: number;
  requests: number | undefined;
  connections: number | undefined;
  /** Our wall and processor time as a ratio to this program's: medians of the ratios pair by pair. */
  wallRatio: number | undefined;
  cpuRatio: number | undefined;
}

export interface Counts {
  requests: number;
  connections: number;
}

/** Below this, processor time is start-up, not bytes. */
const WORTH_A_RATE_BYTES = 100e6;

/**
 * Runs the programs in turn (A B C A B C), the first of them ours, after one turn that warms caches.
 * @param around.before makes things as they were; `after` counts what the server saw
 */
export async function race(
  workload: string,
  programs: ReadonlyMap<string, Program>,
  { runs, bytes, before, after }: { runs: number; bytes: number; before(): Promise<void>; after?(): Promise<Counts> },
): Promise<Row[]> {
  const results = new Map<string, Run[]>([...programs.keys()].map(name => [name, []]));
  const counts = new Map<string, Counts>();
  for (let turn = 0; turn <= runs; turn++) {
    for (const [name, program] of programs) {
      await before();
      const run = await measure(program);
      if (run.exitCode !== 0) throw new Error(`${workload}: ${name} ended with ${run.exitCode}`);
      if (after) counts.set(name, await after());
      if (turn > 0) results.get(name)?.push(run);
    }
  }
  const [ours = []] = results.values();
  return [...results].map(([program, all], index) => {
    const ratio = (of: (run: Run) => number) =>
      index === 0 ? undefined : median(all.map((run, turn) => of(ours[turn] as Run) / of(run)));
    const cpuMs = median(all.map(run => run.cpuMs));
    return {
      workload,
      program,
      wallMs: median(all.map(run => run.wallMs)),
      cpuMs,
      cpuSecondsPerGib: bytes > WORTH_A_RATE_BYTES ? (cpuMs / 1000 / bytes) * 1024 ** 3 : undefined,
      peakRssMib: median(all.map(run => run.peakRssBytes)) / 1024 ** 2,
      requests: counts.get(program)?.requests,
      connections: counts.get(program)?.connections,
      wallRatio: ratio(run => run.wallMs),
      cpuRatio: ratio(run => run.cpuMs),
    };
  });
}
