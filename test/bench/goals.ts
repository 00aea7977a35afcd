import type { BARE_NODE, BEST, BEST_DEFAULTS, BEST_TUNED, CURLS, Peer, STATUS } from './programs.ts';
import { OLD } from './programs.ts';

/**
 * A limit for one measure. A budget must be kept. For information are aims that compare with programs that do less (they
 * send no webhook, keep no state) or that start faster than Node can.
 */
export interface Goal {
  kind: 'budget' | 'information';
  measure: 'wall' | 'wallMs' | 'cpu' | 'peakMib' | 'requests';
  /** What the measure is a ratio to: another program, what the line alone needs, ours on another workload; else an amount. */
  ratioTo?:
    | Peer
    | typeof OLD
    | typeof BARE_NODE
    | typeof STATUS
    | typeof BEST
    | typeof BEST_DEFAULTS
    | typeof BEST_TUNED
    | typeof CURLS
    | 'line'
    | { workload: string };
  atMost: number;
}

type Limit = Omit<Goal, 'kind'>;
export const budget = (limit: Limit): Goal => ({ kind: 'budget', ...limit });
export const information = (limit: Limit): Goal => ({ kind: 'information', ...limit });
export const wall = (ratioTo: NonNullable<Goal['ratioTo']>, atMost: number): Limit => ({
  measure: 'wall',
  ratioTo,
  atMost,
});

/** A large file must not get slower by what carries it. */
export const AS_FAST_AS_BEFORE = [budget(wall(OLD, 1.05)), budget({ measure: 'cpu', ratioTo: OLD, atMost: 1.2 })];
export const PEAK = budget({ measure: 'peakMib', atMost: 130 });
