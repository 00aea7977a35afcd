import { expect, test } from '@jest/globals';
import type { Run } from './measure.ts';
import { parseOptions } from './options.ts';
import { BARE_NODE, BEST, BEST_DEFAULTS, BEST_TUNED, CURLS, OLD, OURS, tunedName } from './programs.ts';
import { quietest, type Row, rowsOf, type Turn } from './race.ts';
import { judge } from './verdicts.ts';
import type { Workload } from './workload.ts';
import { WORKLOADS } from './workloads.ts';

const titles = new Map(WORKLOADS.map(({ name, title }) => [name, title]));
const workload = (name: string) => WORKLOADS.find(each => each.name === name) as Workload;
const run = (wallMs: number, cpuMs = wallMs, peakRssBytes = 2 ** 20): Run => ({ wallMs, cpuMs, peakRssBytes });
const turn = (runs: Record<string, Run>, otherCores = 0): Turn => ({
  runs: new Map(Object.entries(runs)),
  otherCores,
  isQuiet: otherCores === 0,
});
const rows = (name: string, turns: Turn[]): Row[] =>
  rowsOf(workload(name).title, [...(turns[0]?.runs.keys() ?? [])], turns, { bytes: 0, counts: new Map() });
const budgets = (name: string, turns: Turn[]) =>
  judge(workload(name), rows(name, turns), [], titles).filter(({ kind }) => kind === 'budget');

test('The budgets are those of the benchmark, and no others', () => {
  const all = WORKLOADS.flatMap(({ name, goals }) =>
    goals
      .filter(({ kind }) => kind === 'budget')
      .map(({ measure, ratioTo, atMost }) => `${name}: ${measure}${ratioTo ? ` × ${ratioTo}` : ''} ≤ ${atMost}`),
  );
  const asBefore = (name: string) => [`${name}: wall × ${OLD} ≤ 1.05`, `${name}: cpu × ${OLD} ≤ 1.2`];
  expect(all).toEqual([
    `version: wall × ${BARE_NODE} ≤ 1.4`,
    `status: wall × ${BARE_NODE} ≤ 2.8`,
    'enqueue: wall × status ≤ 1.5',
    `fixture: wall × ${BARE_NODE} ≤ 7`,
    'tiny: wall × aws ≤ 0.5',
    ...asBefore('300mb'),
    `300mb: wall × ${BEST} ≤ 0.6`,
    ...asBefore('300mb-tls'),
    `300mb-tls: wall × ${BEST} ≤ 0.7`,
    'batch: wall × aws ≤ 1',
    `far: wall × ${BEST_DEFAULTS} ≤ 0.35`,
    `far: wall × ${BEST_TUNED} ≤ 1`,
    `bad-line: wall × ${BEST} ≤ 0.8`,
    'shared-line: wall × line ≤ 1.1',
    `outage: wall × ${BEST} ≤ 1`,
    'outage: wall × line ≤ 1.15',
    `outage-tls: wall × ${BEST} ≤ 0.6`,
    ...asBefore('4gib'),
    `4gib: wall × ${BEST} ≤ 0.5`,
    ...asBefore('4gib-tls'),
    `4gib-tls: wall × ${BEST} ≤ 0.6`,
    `4gib-tls: cpu × ${BEST} ≤ 0.5`,
    `minio: wall × ${BEST} ≤ 1`,
    `minio: wall × ${CURLS} ≤ 1.05`,
    '400mib: peakMib ≤ 130',
    '20gib: peakMib ≤ 130',
    ...['mkv', 'fmp4', 'mp4', 'webm'].flatMap(writer => [
      `live-${writer}: wallMs ≤ 4000`,
      `live-${writer}: wall × aws ≤ 0.15`,
      `live-${writer}: wall × rclone ≤ 0.15`,
    ]),
    ...['mkv', 'fmp4', 'mp4', 'webm'].map(writer => `live-${writer}-closed: wallMs ≤ 7000`),
  ]);
});

test('A ratio is taken turn by turn, so that a machine that slows down does not change it', () => {
  const turns = [1, 10, 2].map(factor => turn({ [OURS]: run(11 * factor), [OLD]: run(10 * factor) }));
  expect(rows('300mb', turns)[1]?.ratios?.wall).toBeCloseTo(1.1);
});

test('A budget that is kept is met, one that is not is missed', () => {
  const verdicts = budgets('300mb', [turn({ [OURS]: run(1.06, 1.1), [OLD]: run(1, 1) })]);
  expect(verdicts).toEqual([
    expect.objectContaining({ goal: 'wall time, × old build', atMost: 1.05, isMet: false }),
    expect.objectContaining({ goal: 'processor time, × old build', atMost: 1.2, isMet: true }),
  ]);
});

test('The best peer is the one that is hardest to beat, tuned or not; curl is none', () => {
  const runs = { [OURS]: run(10), rclone: run(20), [tunedName('rclone')]: run(8), aws: run(16), curl: run(1) };
  const goals = judge(workload('far'), rows('far', [turn(runs)]), [], titles);
  expect(goals).toMatchObject([
    { goal: `wall time, × ${BEST_DEFAULTS}`, measured: 10 / 16 },
    { goal: `wall time, × ${BEST_TUNED}`, measured: 10 / 8 },
  ]);
  const [best] = judge(workload('bad-line'), rows('bad-line', [turn(runs)]), [], titles);
  expect(best).toMatchObject({ goal: `wall time, × ${BEST}`, measured: 10 / 8, isMet: false });
});

test('What the line needs is for the bytes of all recordings', () => {
  const [, line] = judge(
    workload('outage'),
    rows('outage', [turn({ [OURS]: run(40_000), rclone: run(1) })]),
    [],
    titles,
  );
  expect(line).toMatchObject({ measured: 40_000 / 32_000 });
});

test('Without the other program there is no verdict', () => {
  expect(budgets('300mb', [turn({ [OURS]: run(1) })])).toEqual([]);
});

test('Peak memory is judged as an amount', () => {
  const verdicts = budgets('20gib', [turn({ [OURS]: run(1, 1, 131 * 2 ** 20) })]);
  expect(verdicts).toMatchObject([{ goal: 'peak memory, MiB', measured: 131, isMet: false }]);
});

test('What a workload takes as a ratio to another one needs both', () => {
  const second = rows('second-run', [turn({ [OURS]: run(30) })]);
  expect(judge(workload('second-run'), second, [], titles)).toEqual([]);
  const tiny = rows('tiny', [turn({ [OURS]: run(20) })]);
  expect(judge(workload('second-run'), second, tiny, titles)).toMatchObject([{ measured: 1.5, isMet: false }]);
});

test('Of the turns, those that other processes disturbed least count', () => {
  const turns = [0.9, 0, 0.5, 0.1].map(otherCores => turn({}, otherCores));
  expect(quietest(turns, 2).map(({ otherCores }) => otherCores)).toEqual([0, 0.1]);
});

test('Large workloads run only where they are asked for', () => {
  const names = (...args: string[]) => {
    const options = parseOptions(args);
    return options === 'help' ? [] : options.workloads.map(({ name }) => name);
  };
  expect(names()).not.toContain('4gib');
  expect(names('--all')).toEqual(WORKLOADS.map(({ name }) => name));
  expect(names('--only', '4gib, version')).toEqual(['version', '4gib']);
  expect(names()).not.toContain('live-mkv');
  expect(names('--only', 'live')).toHaveLength(8);
  expect(() => names('--only', '5gib')).toThrow(/no such workload.*4gib/);
});
