import type { AlertBook } from '../../core/alerts/alert-book.ts';
import type { ClaimResult, DeliveryClaims } from '../../core/delivery/claims.ts';
import type { Endpoints } from '../../core/delivery/endpoints.ts';
import type { Housekeeping, PruneReport } from '../../core/delivery/housekeeping.ts';
import type { Outbox } from '../../core/delivery/outbox.ts';
import type { Entry, SharedCircuits } from '../../core/delivery/shared-circuit.ts';
import type { Overview } from '../../core/status/overview.ts';
import type { KnownFolders } from '../../core/upload/known-folders.ts';
import type { LocalFiles } from '../../core/upload/local-files.ts';
import type { UploadQueue } from '../../core/upload/queue.ts';
import type { State } from '../state.ts';
import { type FleetDeps, ignoreAway, orLocal } from './fleet-journal.ts';
import { overviewOf } from './overview.ts';
import { isAway, type Remote } from './remote.ts';

/** The queue of uploads: written to both, so that what was handed over is uploaded without the database. */
export function openFleetQueue({ spool, local, remote, now }: FleetDeps): UploadQueue {
  const { queue } = local;
  const both = async (dirs: readonly string[], write: (queue: UploadQueue) => Promise<void>) => {
    await write(queue);
    try {
      await remote.use(({ state }) => write(state.queue));
    } catch (error) {
      if (!isAway(error)) throw error;
      for (const dir of dirs) await spool.folderChanged(dir, now());
    }
  };
  const read = async <T>(ask: (queue: UploadQueue) => Promise<T>): Promise<T> => {
    // What the database does not know yet, the file does.
    if ((await spool.changedFolders()).length > 0) return await ask(queue);
    return await orLocal(
      () => remote.use(({ state }) => ask(state.queue)),
      () => ask(queue),
    );
  };
  return {
    add: (entries, at) =>
      both(
        entries.map(({ dir }) => dir),
        one => one.add(entries, at),
      ),
    postpone: (dir, why, at) => both([dir], one => one.postpone(dir, why, at)),
    remove: dir => both([dir], one => one.remove(dir)),
    list: () => read(one => one.list()),
    due: (at, limit) => read(one => one.due(at, limit)),
    nextAt: () => read(one => one.nextAt()),
  };
}

/** What is known of folders: where it was touched last. */
export function openFleetFolders({ spool, local, remote }: FleetDeps): KnownFolders {
  return {
    async get(target, dir) {
      const own = await local.folders.get(target, dir);
      return await orLocal(
        async () => {
          const shared = await remote.use(({ state }) => state.folders.get(target, dir));
          const isNewer = (own.known?.updatedAt ?? 0) > (shared.known?.updatedAt ?? 0);
          return { known: isNewer ? own.known : shared.known, queued: shared.queued ?? own.queued };
        },
        async () => ({ ...own, forgottenBefore: await spool.prunedBefore() }),
      );
    },
  };
}

/** One port of the fleet's state, which may be away. */
function portOf<P>(remote: Remote, pick: (state: State) => P) {
  const there = <T>(ask: (port: P) => Promise<T>) => remote.use(({ state }) => ask(pick(state)));
  return {
    /** @throws what `isAway` knows, while the database is away */
    there,
    /** While it is away: the other answer. */
    orElse: <T>(ask: (port: P) => Promise<T>, otherwise: T) =>
      orLocal(
        () => there(ask),
        async () => otherwise,
      ),
    /** While it is away: what this machine's own port says. */
    orAsk: <T>(ask: (port: P) => Promise<T>, own: P) =>
      orLocal(
        () => there(ask),
        () => ask(own),
      ),
    /** Does nothing while it is away. */
    orNothing: (ask: (port: P) => Promise<void>) => there(ask).catch(ignoreAway),
  };
}

/** Local files are removed only while the database says whether their webhooks have arrived. */
export function openFleetLocalFiles({ local, remote }: FleetDeps): LocalFiles {
  const { localFiles } = local;
  const { there, orElse, orAsk } = portOf(remote, state => state.localFiles);
  const both = async (write: (files: LocalFiles) => Promise<void>) => {
    await write(localFiles);
    await there(write);
  };
  return {
    kept: (target, options) => orElse(one => one.kept(target, options), []),
    interrupted: () => orElse(one => one.interrupted(), []),
    look: ref => there(one => one.look(ref)),
    claim: (ref, at) => there(one => one.claim(ref, at)),
    removing: (ref, isRemoving) => both(one => one.removing(ref, isRemoving)),
    fileRemoved: (file, at) => both(one => one.fileRemoved(file, at)),
    removed: (ref, at) => both(one => one.removed(ref, at)),
    note: (ref, note) => both(one => one.note(ref, note)),
    removedFrom: dir => orAsk(one => one.removedFrom(dir), localFiles),
  };
}

/** The queue of webhooks is the fleet's. While the database is away, only what this machine keeps can be seen. */
export function openFleetOutbox({ local, remote }: FleetDeps): Outbox {
  const { there, orElse, orAsk } = portOf(remote, state => state.outbox);
  const read = <T>(ask: (outbox: Outbox) => Promise<T>) => orAsk(ask, local.outbox);
  return {
    enqueue: request => there(one => one.enqueue(request)),
    requeue: (seqs, at) => there(one => one.requeue(seqs, at)),
    discard: (recordingId, options) => there(one => one.discard(recordingId, options)),
    // Its number is the database's: in the file, another one may have it.
    get: seq => orElse(one => one.get(seq), undefined),
    newest: (recordingId, endpoint) => read(one => one.newest(recordingId, endpoint)),
    history: recordingId => read(one => one.history(recordingId)),
    list: filter => read(one => one.list(filter)),
    counts: () => read(one => one.counts()),
    waiting: () => read(one => one.waiting()),
    // Nothing can be sent.
    nextDue: () => orElse(one => one.nextDue(), []),
  };
}

/** Nothing is sent while the database is away; what came of what had been sent is kept. */
export function openFleetClaims({ spool, remote }: FleetDeps): DeliveryClaims {
  const { there, orElse, orNothing } = portOf(remote, state => state.claims);
  return {
    candidates: scope => orElse(one => one.candidates(scope), []),
    repair: (endpoint, at) => orElse(one => one.repair(endpoint, at), undefined),
    // Each is given up, so that nobody asks for it again and again.
    claim: (candidates, limit, at, options) =>
      orElse<ClaimResult[]>(
        one => one.claim(candidates, limit, at, options),
        candidates.map(() => 'gone'),
      ),
    // Without the database nobody knows: it is not sent then.
    isOurs: claimed => orElse(async one => (await one.isOurs?.(claimed)) ?? true, false),
    release: claimed => orNothing(one => one.release(claimed)),
    settle: settlement =>
      orLocal(
        () => there(one => one.settle(settlement)),
        async () => {
          await spool.settled(settlement);
          return true;
        },
      ),
    releaseHeld: (scope, at) => there(one => one.releaseHeld(scope, at)),
  };
}

const NOTHING_KNOWN = { disabledReason: null, disabledAt: null, refusedAt: null, refusedOn: [], hasSender: false };

export function openFleetEndpoints({ remote }: FleetDeps): Endpoints {
  const { there, orElse } = portOf(remote, state => state.endpoints);
  return {
    get: name => orElse(one => one.get(name), { name, ...NOTHING_KNOWN }),
    list: () => orElse(one => one.list(), []),
    refusals: name => orElse(one => one.refusals(name), []),
    leaveToOthers: (name, own, at) => orElse(one => one.leaveToOthers(name, own, at), 0),
    useToken: (name, own, at) => orElse(one => one.useToken(name, own, at), 0),
    disable: (name, reason, at) => there(one => one.disable(name, reason, at)),
    enable: (name, at) => there(one => one.enable(name, at)),
  };
}

/** Alerts wait for the database: two machines never tell the same. */
export function openFleetAlerts({ remote }: FleetDeps): AlertBook {
  const { orElse, orNothing } = portOf(remote, state => state.alerts);
  return {
    note: (target, causes, compose, at) =>
      orElse(one => one.note(target, causes, compose, at), { begun: [], ended: [] }),
    keepOnly: targets => orNothing(one => one.keepOnly(targets)),
    take: (limit, leaseMs, at) => orElse(one => one.take(limit, leaseMs, at), []),
    end: id => orNothing(one => one.end(id)),
    postpone: (id, nextAt) => orNothing(one => one.postpone(id, nextAt)),
  };
}

/** The circuits are the fleet's; without the database nothing is sent anyway. */
export function openFleetCircuits({ remote }: FleetDeps): SharedCircuits {
  const { orElse } = portOf(remote, state => state.circuits);
  return {
    enter: (endpoint, at) => orElse<Entry>(async one => (one ? await one.enter(endpoint, at) : 'closed'), 'closed'),
    record: (endpoint, how, at) => orElse(async one => await one?.record(endpoint, how, at), undefined),
    leave: endpoint => orElse(async one => await one?.leave(endpoint), undefined),
  };
}

/** One machine tidies the fleet's database up; each one does so with its own file. */
export function openFleetHousekeeping(
  { spool, local, remote }: FleetDeps,
  tidyOwn: (options: { now: number; dryRun: boolean }) => Promise<Omit<PruneReport, 'deliveries'>>,
): Housekeeping {
  const { there, orElse, orNothing } = portOf(remote, state => state.housekeeping);
  const { housekeeping } = local;
  return {
    async prune(options) {
      const shared = await there(one => one.prune(options));
      if (!options.dryRun) await spool.prune(options.settledBefore);
      const own = await tidyOwn(options);
      return {
        deliveries: shared.deliveries,
        // A process that was killed has left a row in both.
        deadOwners: Math.max(shared.deadOwners, own.deadOwners),
        freedBytes: shared.freedBytes + own.freedBytes,
        setAside: [...shared.setAside, ...own.setAside],
      };
    },
    async takeTurn(options) {
      const isOfFleet = await orElse(one => one.takeTurn(options), false);
      return (await housekeeping.takeTurn(options)) || isOfFleet;
    },
    async noteTidied(at) {
      await orNothing(one => one.noteTidied(at));
      await housekeeping.noteTidied(at);
    },
  };
}

/** The fleet; while the database is away, what this machine knows. */
export function fleetOverview({ local, remote }: FleetDeps): Overview {
  const { orAsk } = portOf(remote, state => state.overview);
  return overviewOf(ask => orAsk(ask, local.overview));
}
