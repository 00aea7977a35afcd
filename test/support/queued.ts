import { type Desk, readJson } from './desk.ts';

export interface Queued {
  dir: string;
  recordingId: string;
  origin: string;
  reason: string | null;
  hint: string | null;
}

/** The folders that wait, as `status` lists them. */
export async function queuedOn(desk: Desk): Promise<Queued[]> {
  const { result } = readJson<{ queued: Queued[] }>(await desk.run(['status', '--json']));
  return result.queued;
}

export interface Enqueued {
  recordings: { dir: string; outcome: string; recordingId?: string; waitsFor?: { message: string } | null }[];
  worker: { pid: number; since: string } | null;
}

/** What `enqueue --json` prints. */
export async function enqueueJson(desk: Desk, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Enqueued> {
  return readJson<Enqueued>(await desk.run(['enqueue', ...args, '--json'], { env })).result;
}
