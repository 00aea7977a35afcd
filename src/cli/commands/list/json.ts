import type { ListReport } from '../../../app/list.ts';
import { type DamageJson, damageJson } from '../../json/damage.ts';
import { iso, isoOrNull } from '../../json/document.ts';
import { type MachineJson, machineJson, type OfMachineJson, ofMachineJson } from '../../json/machine.ts';
import { type QueuedJson, queuedJson, type RefusalJson, refusalJson } from '../../json/queued.ts';

/** The result of `list --json`. */
export interface ListJson extends DamageJson {
  stateDir: string;
  /** The machines that share the state; missing where it is of this machine alone. */
  machines?: MachineJson[];
  hasState: boolean;
  /** The newest first. */
  recordings: ListedJson[];
  /** Folders whose upload was asked for and begins by itself. */
  queued: QueuedJson[];
  /** Folders whose upload was refused before anything of them was sent. */
  refused: RefusalJson[];
}

export interface ListedJson extends OfMachineJson {
  recordingId: string;
  /** `<endpoint>/<bucket>` */
  target: string;
  dir: string;
  title: string;
  state: 'recording' | 'uploading' | 'partial' | 'done';
  /** When it was finished, or tried last. */
  updatedAt: string;
  /** Files in the bucket, and their bytes. */
  files: number;
  storedBytes: number;
  /** When the local files were removed (`deleteAfter`); null: they were not. */
  localRemovedAt: string | null;
  /** The newest webhook to each endpoint. */
  webhooks: { endpoint: string; state: 'waiting' | 'held' | 'delivered' | 'superseded' | 'discarded' }[];
}

export function listJson({ stateDir, hasState, recordings, queue, fleet, damage }: ListReport): ListJson {
  return {
    stateDir,
    hasState,
    ...(fleet && { machines: fleet.machines.map(machineJson) }),
    recordings: recordings.map(
      ({ id, target, dir, machine, title, state, updatedAt, files, storedBytes, localRemovedAt, webhooks }) => ({
        recordingId: id,
        target,
        dir,
        ...ofMachineJson({ machine }),
        title,
        state,
        updatedAt: iso(updatedAt),
        files,
        storedBytes,
        localRemovedAt: isoOrNull(localRemovedAt),
        webhooks: webhooks.map(({ endpoint, state }) => ({ endpoint, state })),
      }),
    ),
    queued: queue.filter(one => one.state === 'waiting').map(queuedJson),
    refused: queue.filter(one => one.state === 'refused').map(refusalJson),
    ...damageJson(damage),
  };
}
