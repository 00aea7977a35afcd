import { cpus } from 'node:os';
import type { Build } from './builds.ts';
import { QUIET_CORES } from './machine.ts';
import type { InstalledPeer } from './peers.ts';
import { OLD, type Peer } from './programs.ts';
import type { Row } from './race.ts';
import { tableOf, verdictTableOf } from './tables.ts';
import type { Verdict } from './verdicts.ts';

/** All that a run found, as `bench.json` keeps it. */
export interface Report {
  date: string;
  machine: { cpu: string | undefined; cores: number; node: string; load: string; otherCores: number };
  builds: Record<string, string>;
  peers: Record<string, Omit<InstalledPeer, 'command'> & { command: string }>;
  runs: number;
  rows: Row[];
  verdicts: Verdict[];
}

/**
 * @param load the load averages before the run
 * @param busiest how many cores other processes used in the workload that they disturbed most
 */
export function makeReport({
  runs,
  rows,
  verdicts,
  builds,
  peers,
  load,
  busiest,
}: Pick<Report, 'runs' | 'rows' | 'verdicts'> & {
  builds: ReadonlyMap<string, Build>;
  peers: ReadonlyMap<Peer, InstalledPeer>;
  load: string;
  busiest: number;
}): Report {
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, load, otherCores: busiest };
  return {
    date: new Date().toISOString(),
    machine,
    builds: Object.fromEntries([...builds].map(([name, { description }]) => [name, description])),
    peers: Object.fromEntries([...peers].map(([name, peer]) => [name, { ...peer, command: peer.command.join(' ') }])),
    runs,
    rows,
    verdicts,
  };
}

/** What docs/benchmarks.md shows of a run. */
export function markdownOf({ date, machine, builds, peers, runs, rows, verdicts }: Report): string {
  const versions = Object.values(peers).map(({ version }) => version.replace(/^(\S+).*?(\d+(?:\.\d+)+).*$/, '$1 $2'));
  const old = builds[OLD];
  const quiet =
    machine.otherCores > QUIET_CORES
      ? ` Other processes used up to ${machine.otherCores.toFixed(2)} cores meanwhile, so ratios are rough.`
      : '';
  const sections = [
    `Measured on ${date.slice(0, 10)} with Node ${machine.node} on ${machine.cores} cores that were shared with the server;` +
      ` medians of ${runs} turns or more.${old ? ` The old build is ${old}.` : ''} Peers: ${versions.join(', ') || 'none'}.${quiet}`,
    tableOf(rows),
  ];
  for (const [kind, title] of [
    ['budget', 'Budgets:'],
    ['information', 'For information:'],
  ] as const) {
    const found = verdicts.filter(verdict => verdict.kind === kind);
    if (found.length > 0) sections.push(title, verdictTableOf(found));
  }
  return sections.join('\n\n');
}
