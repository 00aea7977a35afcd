import type { UnfinishedUpload } from '../../core/status/overview.ts';
import { printable } from '../../core/text.ts';
import { formatDuration } from '../../core/units.ts';
import type { FleetView } from '../fleet-view.ts';
import { lifeOf, workOf } from '../machine-words.ts';
import type { Runtime } from '../runtime.ts';
import { status } from '../status.ts';
import type { Finding } from './check.ts';

/** Cron finishes what can be finished within hours; after a day it probably does not run. */
const OLD_MS = 24 * 3_600_000;

/** Uploads are named where a machine is at work on them. */
const MOST_UPLOADS = 20;

/**
 * What waits in the state, and since when; of a fleet, also which of its machines are alive, and what they do.
 * @param machine only uploads of this machine
 */
export async function checkQueue(runtime: Runtime, machine?: string): Promise<Finding[]> {
  const name = 'queue';
  const report = await status({ limit: MOST_UPLOADS, machine }, runtime);
  if (!report.hasState) return [{ name, status: 'ok', detail: 'nothing waits' }];
  const { now, overview, fleet } = report;
  const { counts, oldest, worker } = overview;
  const findings: Finding[] = [];
  const age = (since: number | null) =>
    since === null ? '' : `, the oldest for ${formatDuration(Math.max(0, now - since))}`;
  const isOld = (since: number | null) => since !== null && now - since > OLD_MS;
  if (counts.held > 0) {
    const detail = `${number(counts.held, 'webhook')} held for an operator`;
    const fix = 'recordupload status shows why; then recordupload retry --held';
    findings.push({ name, status: 'warning', detail, fix });
  }
  if (counts.refused > 0) {
    const detail = `${number(counts.refused, 'folder')} refused${age(oldest.refused)}`;
    findings.push({ name, status: 'warning', detail, fix: 'recordupload status shows why' });
  }
  for (const { name: endpoint, reason } of overview.endpoints.filter(({ isRefusing }) => isRefusing)) {
    const detail = `endpoint ${endpoint} ${reason}`;
    findings.push({ name, status: 'warning', detail, fix: 'correct the token where it is refused' });
  }
  const { partial, waiting, queued } = counts;
  const old = isOld(oldest.waiting) || isOld(oldest.partial) || isOld(oldest.queued);
  findings.push({
    name,
    status: old ? 'warning' : 'ok',
    detail: `${number(waiting, 'webhook')} waiting${age(oldest.waiting)}; ${number(partial, 'upload')} partial${age(oldest.partial)}; ${number(queued, 'folder')} queued${age(oldest.queued)}`,
    ...(old && { fix: worker ? 'recordupload status shows why' : 'recordupload retry; does cron run it?' }),
  });
  if (fleet) return [...findings, machinesOf(fleet, overview.uploads, now)];
  const running = worker && `runs as process ${worker.pid}, for ${formatDuration(Math.max(0, now - worker.since))}`;
  findings.push({
    name: 'worker',
    status: 'ok',
    detail: running ? `recordupload watch ${running}` : 'recordupload watch does not run',
  });
  return findings;
}

function machinesOf({ machines }: FleetView, uploads: readonly UnfinishedUpload[], now: number): Finding {
  const alive = machines.filter(one => one.isAlive).length;
  const each = machines.map(one => {
    const work = workOf(one, uploads);
    return `${printable(one.name)} ${lifeOf(one, now)}${work && `, ${work}`}`;
  });
  const detail = `${alive} of ${number(machines.length, 'machine')} at work${each.length > 0 ? `: ${each.join('; ')}` : ''}`;
  return { name: 'fleet', status: 'ok', detail };
}

function number(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
