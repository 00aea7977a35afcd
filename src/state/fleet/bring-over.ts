import type { BroughtOver, State } from '../state.ts';
import type { TakenRecording } from '../transfer/import.ts';
import { isAway, type OpenRemote, type Remote } from './remote.ts';
import type { Spool } from './spool.ts';

/** Brings over what the spool has. Again changes nothing: an answer that was lost may have been a success. */
export interface BringOver {
  /**
   * One recording.
   * @returns undefined: another process of this machine has it
   * @throws AppError `STATE` (`isAway`) if the database is away
   */
  recording(id: string, options: { patient: boolean }): Promise<TakenRecording | undefined>;
  /**
   * Everything, in order.
   * @returns undefined if there was nothing to do, or the database is away
   */
  all(): Promise<BroughtOver | undefined>;
}

export interface BringOverDeps {
  spool: Spool;
  remote: Remote;
  /** Milliseconds since 1970. */
  now(): number;
}

export function createBringOver({ spool, remote, now }: BringOverDeps): BringOver {
  const recording: BringOver['recording'] = async (id, { patient }) => {
    const found = await spool.read(id);
    if (!found) return undefined;
    const { known, forced } = found;
    const taken = await remote.use(({ transfer }) => transfer.take(known, { prefer: 'source', forced, now: now() }), {
      patient,
    });
    // What another machine is at work on may still be ours when that has ended.
    if (!taken.others.some(({ isAtWork }) => isAtWork))
      await spool.brought(known, { keep: taken.others.length > 0, now: now() });
    return taken;
  };

  /** What uploads have counted. */
  const totals = async () => {
    const { totals, successes } = await spool.transfer.readBeside();
    const source = await spool.epoch();
    const nothing = { queue: [], begun_uploads: [], endpoints: [], alert_causes: [], alert_messages: [] };
    await remote.use(({ transfer, database }) =>
      transfer.takeBeside({ ...nothing, totals, successes }, `${database.self.machine} ${source}`, now()),
    );
  };

  const folders = async () => {
    for (const folder of await spool.changedFolders()) {
      const { queue } = await spool.transfer.readBeside();
      const entry = queue.find(({ dir }) => dir === folder.dir);
      await remote.use(({ transfer }) => transfer.takeFolder(folder.dir, entry, folder.since));
      await spool.folderBrought(folder);
    }
  };

  const settlements = async () => {
    for (const { id, settlement } of await spool.settlements()) {
      await remote.use(remote => settleOnce(remote, settlement));
      await spool.settlementBrought(id);
    }
  };

  return {
    async recording(id, options) {
      const taken = await recording(id, options);
      if (taken) await totals().catch(ignoreAway);
      return taken;
    },

    async all() {
      if (!(await spool.isWaiting())) {
        // Somebody has to notice that it is back.
        if (remote.failure) await remote.use(async () => {}, { patient: true }).catch(ignoreAway);
        return undefined;
      }
      const brought: BroughtOver = { recordings: 0, webhooks: 0, others: [] };
      try {
        await remote.use(async () => {}, { patient: true });
        await settlements();
        for (const id of await spool.ahead()) {
          const taken = await recording(id, { patient: false });
          if (!taken || taken.others.some(({ isAtWork }) => isAtWork)) continue;
          brought.recordings++;
          brought.webhooks += taken.deliveries.filter(({ how }) => how === 'new').length;
          brought.others.push(...taken.others.map(({ machine }) => ({ recordingId: id, machine })));
        }
        await folders();
        await totals();
      } catch (error) {
        if (!isAway(error)) throw error;
      }
      return brought.recordings > 0 ? brought : undefined;
    },
  };
}

function ignoreAway(error: unknown): void {
  if (!isAway(error)) throw error;
}

/** Settles a try whose answer from the database was lost, unless that was stored. */
async function settleOnce({ state }: OpenRemote, settlement: Parameters<State['claims']['settle']>[0]): Promise<void> {
  const { delivery, attempt } = settlement;
  const history = await state.outbox.history(delivery.recordingId);
  const known = history.find(one => one.delivery.webhookId === delivery.webhookId);
  const isStored = known?.attempts.some(({ at, trigger }) => at === attempt.at && trigger === attempt.trigger);
  if (!isStored) await state.claims.settle(settlement);
}
