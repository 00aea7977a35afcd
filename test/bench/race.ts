import { machineBusyMs, ownCpuMs, processCpuMs, QUIET_CORES } from './machine.ts';
import { type Measure, median, type Program, type Run } from './measure.ts';

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
  /** From the start of the program; undefined where the store does not tell. */
  firstByteMs: number | undefined;
  lastByteMs: number | undefined;
  /** Until the recordings server had answered; undefined for programs that tell it nothing. */
  webhookMs: number | undefined;
  /** Ours as ratios to this program's: medians of the ratios turn by turn. Undefined for ours. */
  ratios: Record<'wall' | 'cpu' | 'peak', number> | undefined;
}

/** What a store saw of a run. */
export interface Counts {
  requests: number;
  connections: number;
  /** When the first and the last bytes of objects came, in milliseconds since 1970; 0: none did. */
  firstByteAt: number;
  lastByteAt: number;
}

/** The moments of one run, in milliseconds from its start. */
export interface Moments {
  firstByteMs: number | undefined;
  lastByteMs: number | undefined;
  webhookMs: number | undefined;
}

/** Each program once. */
export interface Turn {
  runs: ReadonlyMap<string, Run>;
  moments?: ReadonlyMap<string, Moments>;
  /** How many cores processes used meanwhile that do not belong to the benchmark. */
  otherCores: number;
  isQuiet: boolean;
}

export interface Race {
  rows: Row[];
  /** The mean over the turns that count; about 0 on a quiet machine. */
  otherCores: number;
}

/** Below this, processor time is start-up, not bytes. */
const WORTH_A_RATE_BYTES = 100e6;
/** A turn that other processes disturb is run again, until so many times the turns wanted have been run. */
const PATIENCE = 3;
/** By so much the kernel's ticks, of 10 ms on each core, may be off in a turn. */
const TICKS_MS = 20;

/**
 * Runs the programs in turn, after one turn that warms caches. Every second turn goes backwards, so that no program
 * always follows the same other one. The first program is ours. Of the turns, the quietest count.
 * @param runs how many turns count
 * @param servers processes whose time belongs to the benchmark
 * @param before makes things as they were before a run; `after` counts what the server saw of it
 */
export async function race(
  workload: string,
  programs: ReadonlyMap<string, Program>,
  {
    measure,
    runs,
    bytes,
    servers,
    before,
    after,
    toldAt,
  }: {
    measure: Measure;
    runs: number;
    bytes: number;
    servers(): readonly (number | undefined)[];
    before(): Promise<void>;
    after?(): Promise<Counts | undefined>;
    /** When the recordings server had answered the last webhook of a program's run, in milliseconds since 1970. */
    toldAt?(program: string): number | undefined;
  },
): Promise<Race> {
  const counts = new Map<string, Counts>();
  const benchmarkMs = () => ownCpuMs() + servers().reduce<number>((sum, pid) => sum + processCpuMs(pid), 0);
  const oneTurn = async (backwards: boolean): Promise<Turn> => {
    const started = { at: performance.now(), othersMs: machineBusyMs() - benchmarkMs() };
    const taken = new Map<string, Run>();
    const moments = new Map<string, Moments>();
    for (const [name, program] of backwards ? [...programs].toReversed() : programs) {
      await before();
      const startedAt = Date.now();
      taken.set(name, await measure(program));
      const seen = await after?.();
      if (seen) counts.set(name, seen);
      moments.set(name, momentsOf(startedAt, seen, toldAt?.(name)));
    }
    const elapsedMs = performance.now() - started.at;
    const measuredMs = [...taken.values()].reduce((sum, run) => sum + run.cpuMs, 0);
    const othersMs = Math.max(0, machineBusyMs() - benchmarkMs() - started.othersMs - measuredMs);
    return {
      runs: taken,
      moments,
      otherCores: othersMs / elapsedMs,
      isQuiet: othersMs <= QUIET_CORES * elapsedMs + TICKS_MS,
    };
  };
  await oneTurn(false);
  const turns: Turn[] = [];
  while (turns.filter(({ isQuiet }) => isQuiet).length < runs && turns.length < PATIENCE * runs)
    turns.push(await oneTurn(turns.length % 2 === 0));
  const counted = quietest(turns, runs);
  const otherCores = counted.reduce((sum, turn) => sum + turn.otherCores, 0) / counted.length;
  return { rows: rowsOf(workload, [...programs.keys()], counted, { bytes, counts }), otherCores };
}

function momentsOf(startedAt: number, seen: Counts | undefined, toldAt: number | undefined): Moments {
  const since = (at: number | undefined) => (at ? Math.max(0, at - startedAt) : undefined);
  return { firstByteMs: since(seen?.firstByteAt), lastByteMs: since(seen?.lastByteAt), webhookMs: since(toldAt) };
}

/** So many of the turns, those that other processes disturbed least. */
export function quietest(turns: readonly Turn[], runs: number): Turn[] {
  return turns.toSorted((a, b) => a.otherCores - b.otherCores).slice(0, runs);
}

/** What turns say of each program, ours (the first) beside each of the others. */
export function rowsOf(
  workload: string,
  programs: readonly string[],
  turns: readonly Turn[],
  { bytes, counts }: { bytes: number; counts: ReadonlyMap<string, Counts> },
): Row[] {
  const runOf = (turn: Turn, program: string) => turn.runs.get(program) as Run;
  const [ours = ''] = programs;
  return programs.map(program => {
    const middle = (of: (run: Run) => number) => median(turns.map(turn => of(runOf(turn, program))));
    const ratio = (of: (run: Run) => number) =>
      median(turns.map(turn => of(runOf(turn, ours)) / of(runOf(turn, program))));
    const moment = (name: keyof Moments) => {
      const found = turns.map(turn => turn.moments?.get(program)?.[name]).filter(ms => ms !== undefined);
      return found.length === turns.length && found.length > 0 ? median(found) : undefined;
    };
    const cpuMs = middle(run => run.cpuMs);
    return {
      workload,
      program,
      wallMs: middle(run => run.wallMs),
      cpuMs,
      cpuSecondsPerGib: bytes > WORTH_A_RATE_BYTES ? (cpuMs / 1000 / bytes) * 1024 ** 3 : undefined,
      peakRssMib: middle(run => run.peakRssBytes) / 1024 ** 2,
      requests: counts.get(program)?.requests,
      connections: counts.get(program)?.connections,
      firstByteMs: moment('firstByteMs'),
      lastByteMs: moment('lastByteMs'),
      webhookMs: moment('webhookMs'),
      ratios:
        program === ours
          ? undefined
          : { wall: ratio(run => run.wallMs), cpu: ratio(run => run.cpuMs), peak: ratio(run => run.peakRssBytes) },
    };
  });
}
