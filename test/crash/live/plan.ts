import type { Container } from '../../support/ffmpeg-writer.ts';
import { dice } from '../dice.ts';

/** What happens in one round, and when, in milliseconds after the writer has begun. */
export interface LivePlan {
  seed: number;
  container: Container;
  bytes: number;
  bytesPerSecond: number;
  /** The worker is killed at each of these, and started again after `pauseMs`. */
  workerKills: { atMs: number; pauseMs: number }[];
  /** The writer is killed then; `again`: it begins the same file again. */
  writerKill: { atMs: number; again: boolean } | undefined;
  /** The recorder hands the folder over at its end; otherwise the closing of the file tells. */
  isEnqueued: boolean;
  /** A sidecar with another ID appears at the end. */
  lateId: boolean;
}

const MIB = 1024 * 1024;
const CONTAINERS: readonly Container[] = [
  'Matroska',
  'fragmented MP4',
  'MP4, moov at the end',
  'WebM',
  'MP4, fast start',
];

/** The same seed makes the same plan. */
export function makeLivePlan(seed: number): LivePlan {
  const { number, pick, random } = dice(seed);
  const bytes = number(20, 60) * MIB;
  const bytesPerSecond = number(12, 30) * MIB;
  const lengthMs = (bytes / bytesPerSecond) * 1000;
  // Some after the writer's end, while the parts are checked and the rest is sent.
  const moment = () => number(0, Math.round(lengthMs + 1_500));
  return {
    seed,
    container: pick(CONTAINERS),
    bytes,
    bytesPerSecond,
    workerKills: Array.from({ length: number(1, 3) }, () => ({ atMs: moment(), pauseMs: number(0, 600) })).toSorted(
      (a, b) => a.atMs - b.atMs,
    ),
    writerKill: random() < 0.4 ? { atMs: number(200, Math.round(lengthMs)), again: random() < 0.5 } : undefined,
    isEnqueued: random() < 0.5,
    lateId: random() < 0.15,
  };
}
