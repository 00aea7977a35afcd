import type { Machine } from '../../core/status/worker.ts';
import { iso, isoOrNull } from './document.ts';

/** A machine of a fleet. Only there where machines share the state. */
export interface MachineJson {
  name: string;
  /** Version of recordupload that it ran last. */
  version: string;
  /** A process of it that uploads or delivers is running. */
  alive: boolean;
  /** Since when the oldest of its processes has been running; null: none is. */
  since: string | null;
  /** When one of its processes last began. */
  lastSeen: string;
  /** Its `recordupload watch`; null if none runs. */
  worker: { pid: number; since: string } | null;
  /** Recordings that it uploads while they are recorded. */
  recording: number;
  /** Recordings that it uploads. */
  uploading: number;
  /** Webhooks that it sends. */
  sending: number;
}

export function machineJson(machine: Machine): MachineJson {
  const { name, version, isAlive: alive, since, lastSeen, worker, recording, uploading, sending } = machine;
  const runs = worker ? { pid: worker.pid, since: iso(worker.since) } : null;
  const times = { since: isoOrNull(since), lastSeen: iso(lastSeen) };
  return { name, version, alive, ...times, worker: runs, recording, uploading, sending };
}

/** The machine that has a folder. Only there where machines share the state. */
export interface OfMachineJson {
  machine?: string;
}

export function ofMachineJson({ machine }: { machine?: string | undefined }): OfMachineJson {
  return machine === undefined ? {} : { machine };
}
