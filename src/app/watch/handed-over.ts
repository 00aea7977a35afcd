import type { AppError } from '../../core/errors.ts';
import { StillWrittenError } from '../../core/recording/settle.ts';
import { findWriters, seesAllWriters } from '../../core/recording/writers.ts';
import { printable } from '../../core/text.ts';
import type { Runtime } from '../runtime.ts';
import { judge, Observation } from './finished.ts';
import { lookAtFolder, videoOf } from './folder-look.ts';

/**
 * Judges by one look whether a recording that a recorder handed over is finished, as the worker does.
 * @returns false: that shows only after a while
 * @throws AppError `StillWrittenError` if it is not
 */
export async function isFinished(dir: string, { config, clock }: Pick<Runtime, 'config' | 'clock'>): Promise<boolean> {
  const { extraFiles, settleMs } = config;
  const { marker, quietMs } = config.watch;
  // What is wrong with the folder is said by who reads it.
  const look = await lookAtFolder(dir, { extraFiles, marker }).catch(() => undefined);
  const video = look && videoOf(look);
  if (!look || !video || video.sizeBytes === 0) return false;
  const openness = (await seesAllWriters(dir)) ? (await findWriters([video])).get(video.path) : undefined;
  const observation = new Observation();
  const at = { now: clock.now(), monotonic: clock.monotonic() };
  observation.see(look, at);
  const rules = { settleMs, quietMs, isEnqueued: true };
  const verdict = await judge(look, observation, rules, at, async () => openness ?? 'unknown');
  if (verdict.finished) return true;
  if (look.unfinished === undefined && openness !== 'open') return false;
  throw stillWritten(dir, verdict.reason);
}

/** Why an upload that was asked for waits. */
export function stillWritten(dir: string, reason: string): AppError {
  return new StillWrittenError(`${printable(dir)}: ${reason}`, 'it is uploaded once it is finished');
}
