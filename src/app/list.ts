import type { RecentFilter, RecentRecording, StateDamage } from '../core/status/overview.ts';
import type { QueuedUpload } from '../core/upload/queue.ts';
import { type FleetView, fleetView } from './fleet-view.ts';
import type { Runtime } from './runtime.ts';

/** Which recordings to list; times are milliseconds since 1970. */
export interface ListRequest extends Omit<RecentFilter, 'state'> {
  /** `waiting`, `held`: one of its webhooks is. `queued`, `refused`: its upload has not begun. */
  state?: RecentFilter['state'] | 'queued' | 'refused' | undefined;
}

export interface ListReport {
  stateDir: string;
  /** False: nothing has been uploaded from this machine yet. */
  hasState: boolean;
  /** The newest first. */
  recordings: RecentRecording[];
  /** Undefined where the state is of this machine alone. */
  fleet?: FleetView | undefined;
  /** Folders whose upload has not begun; the one that was asked for or looked at last first. */
  queue: QueuedUpload[];
  /** The state file is damaged: this is what could be read of it. */
  damage?: StateDamage | undefined;
}

/**
 * Lists what was uploaded from this machine, and what is to be, the newest first. Changes nothing and waits for no lock.
 * @throws AppError `STATE` if the state cannot be read, `USAGE` if no machine has that name
 */
export async function listRecordings(
  { state, machine, since, limit }: ListRequest,
  { config, overview }: Pick<Runtime, 'config' | 'overview'>,
): Promise<ListReport> {
  const { stateDir } = config;
  const open = await overview();
  try {
    const fleet = await fleetView(open, config, machine);
    if (!open) return { stateDir, hasState: false, recordings: [], queue: [], fleet };
    const isOfQueue = state === 'queued' || state === 'refused';
    const recordings = isOfQueue ? [] : await open.recent({ state, machine, since, limit });
    const inQueue = state === 'queued' ? 'waiting' : state === 'refused' ? state : undefined;
    const queue = isOfQueue || state === undefined ? await open.queue({ state: inQueue, machine, since, limit }) : [];
    return { stateDir, hasState: true, recordings, queue, fleet, damage: open.damage() };
  } finally {
    open?.close();
  }
}
