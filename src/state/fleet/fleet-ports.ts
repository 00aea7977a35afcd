import type { AlertBook } from '../../core/alerts/alert-book.ts';
import type { DeliveryClaims } from '../../core/delivery/claims.ts';
import type { Endpoints } from '../../core/delivery/endpoints.ts';
import type { Housekeeping } from '../../core/delivery/housekeeping.ts';
import type { Outbox } from '../../core/delivery/outbox.ts';
import type { Entry, SharedCircuits } from '../../core/delivery/shared-circuit.ts';
import type { Overview } from '../../core/status/overview.ts';
import type { KnownFolders } from '../../core/upload/known-folders.ts';
import type { LocalFiles } from '../../core/upload/local-files.ts';
import type { UploadQueue } from '../../core/upload/queue.ts';
import { type FleetDeps, ignoreAway, orLocal } from './fleet-journal.ts';
import { isAway } from './remote.ts';

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
export function openFleetFolders({ local, remote }: FleetDeps): KnownFolders {
  return {
    async get(target, dir) {
      const own = await local.folders.get(target, dir);
      return await orLocal(
        async () => {
          const shared = await remote.use(({ state }) => state.folders.get(target, dir));
          const isNewer = (own.known?.updatedAt ?? 0) > (shared.known?.updatedAt ?? 0);
          return { known: isNewer ? own.known : shared.known, queued: shared.queued ?? own.queued };
        },
        async () => own,
      );
    },
  };
}

/** Local files are removed only while the database says whether their webhooks have arrived. */
export function openFleetLocalFiles({ local, remote }: FleetDeps): LocalFiles {
  const { localFiles } = local;
  const both = async (write: (files: LocalFiles) => Promise<void>) => {
    await write(localFiles);
    await remote.use(({ state }) => write(state.localFiles));
  };
  const there = <T>(ask: (files: LocalFiles) => Promise<T>) => remote.use(({ state }) => ask(state.localFiles));
  return {
    kept: (target, options) =>
      orLocal(
        () => there(one => one.kept(target, options)),
        async () => [],
      ),
    interrupted: () =>
      orLocal(
        () => there(one => one.interrupted()),
        async () => [],
      ),
    look: ref => there(one => one.look(ref)),
    claim: (ref, at) => there(one => one.claim(ref, at)),
    removing: (ref, isRemoving) => both(one => one.removing(ref, isRemoving)),
    fileRemoved: (file, at) => both(one => one.fileRemoved(file, at)),
    removed: (ref, at) => both(one => one.removed(ref, at)),
    note: (ref, note) => both(one => one.note(ref, note)),
    removedFrom: dir =>
      orLocal(
        () => there(one => one.removedFrom(dir)),
        () => localFiles.removedFrom(dir),
      ),
  };
}

/** The queue of webhooks is the fleet's. While the database is away, only what this machine keeps can be seen. */
export function openFleetOutbox({ local, remote }: FleetDeps): Outbox {
  const there = <T>(ask: (outbox: Outbox) => Promise<T>) => remote.use(({ state }) => ask(state.outbox));
  const read = <T>(ask: (outbox: Outbox) => Promise<T>) =>
    orLocal(
      () => there(ask),
      () => ask(local.outbox),
    );
  return {
    enqueue: request => there(one => one.enqueue(request)),
    requeue: (seqs, at) => there(one => one.requeue(seqs, at)),
    discard: (recordingId, options) => there(one => one.discard(recordingId, options)),
    // Its number is the database's: in the file, another one may have it.
    get: seq =>
      orLocal(
        () => there(one => one.get(seq)),
        async () => undefined,
      ),
    newest: (recordingId, endpoint) => read(one => one.newest(recordingId, endpoint)),
    history: recordingId => read(one => one.history(recordingId)),
    list: filter => read(one => one.list(filter)),
    counts: () => read(one => one.counts()),
    waiting: () => read(one => one.waiting()),
    // Nothing can be sent.
    nextDue: () =>
      orLocal(
        () => there(one => one.nextDue()),
        async () => [],
      ),
  };
}

/** Nothing is sent while the database is away; what came of what had been sent is kept. */
export function openFleetClaims({ spool, remote }: FleetDeps): DeliveryClaims {
  const there = <T>(ask: (claims: DeliveryClaims) => Promise<T>) => remote.use(({ state }) => ask(state.claims));
  const orElse = <T>(ask: (claims: DeliveryClaims) => Promise<T>, otherwise: T) =>
    orLocal(
      () => there(ask),
      async () => otherwise,
    );
  return {
    candidates: scope => orElse(one => one.candidates(scope), []),
    repair: (endpoint, at) => orElse(one => one.repair(endpoint, at), undefined),
    // Each is given up, so that nobody asks for it again and again.
    claim: (candidates, limit, at, options) =>
      orLocal(
        () => there(one => one.claim(candidates, limit, at, options)),
        async () => candidates.map(() => 'gone' as const),
      ),
    // Without the database nobody knows: it is not sent then.
    isOurs: claimed => orElse(async one => (await one.isOurs?.(claimed)) ?? true, false),
    release: claimed => there(one => one.release(claimed)).catch(ignoreAway),
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

export function openFleetEndpoints({ remote }: FleetDeps): Endpoints {
  const there = <T>(ask: (endpoints: Endpoints) => Promise<T>) => remote.use(({ state }) => ask(state.endpoints));
  const orElse = <T>(ask: (endpoints: Endpoints) => Promise<T>, otherwise: T) =>
    orLocal(
      () => there(ask),
      async () => otherwise,
    );
  return {
    get: name => orElse(one => one.get(name), { name, disabledReason: null, disabledAt: null, refusedAt: null }),
    list: () => orElse(one => one.list(), []),
    refusal: name => orElse(one => one.refusal(name), undefined),
    holdRefused: (name, at) => orElse(one => one.holdRefused(name, at), 0),
    releaseRefused: (name, at) => orElse(one => one.releaseRefused(name, at), 0),
    disable: (name, reason, at) => there(one => one.disable(name, reason, at)),
    enable: (name, at) => there(one => one.enable(name, at)),
  };
}

/** Alerts wait for the database: two machines never tell the same. */
export function openFleetAlerts({ remote }: FleetDeps): AlertBook {
  const there = <T>(ask: (alerts: AlertBook) => Promise<T>) => remote.use(({ state }) => ask(state.alerts));
  return {
    note: (target, causes, compose, at) =>
      orLocal(
        () => there(one => one.note(target, causes, compose, at)),
        async () => ({ begun: [], ended: [] }),
      ),
    keepOnly: targets => there(one => one.keepOnly(targets)).catch(ignoreAway),
    take: (limit, leaseMs, at) =>
      orLocal(
        () => there(one => one.take(limit, leaseMs, at)),
        async () => [],
      ),
    end: id => there(one => one.end(id)).catch(ignoreAway),
    postpone: (id, nextAt) => there(one => one.postpone(id, nextAt)).catch(ignoreAway),
  };
}

/** The circuits are the fleet's; without the database nothing is sent anyway. */
export function openFleetCircuits({ remote }: FleetDeps): SharedCircuits {
  const there = <T>(ask: (circuits: SharedCircuits) => Promise<T>, otherwise: T) =>
    orLocal(
      () => remote.use(async ({ state }) => (state.circuits ? await ask(state.circuits) : otherwise)),
      async () => otherwise,
    );
  return {
    enter: (endpoint, at) => there<Entry>(one => one.enter(endpoint, at), 'closed'),
    record: (endpoint, how, at) => there(one => one.record(endpoint, how, at), undefined),
    leave: endpoint => there(one => one.leave(endpoint), undefined),
  };
}

export function openFleetHousekeeping({ remote }: FleetDeps): Housekeeping {
  const there = <T>(ask: (housekeeping: Housekeeping) => Promise<T>) =>
    remote.use(({ state }) => ask(state.housekeeping));
  return {
    prune: options => there(one => one.prune(options)),
    takeTurn: options =>
      orLocal(
        () => there(one => one.takeTurn(options)),
        async () => false,
      ),
    noteTidied: at => there(one => one.noteTidied(at)).catch(ignoreAway),
  };
}

/** The fleet; while the database is away, what this machine knows. */
export function fleetOverview({ local, remote }: FleetDeps): Overview {
  const read = <T>(ask: (overview: Overview) => Promise<T>) =>
    orLocal(
      () => remote.use(({ state }) => ask(state.overview)),
      () => ask(local.overview),
    );
  return {
    all: options => read(one => one.all(options)),
    recording: id => read(one => one.recording(id)),
    recent: filter => read(one => one.recent(filter)),
    queue: filter => read(one => one.queue(filter)),
    recordingIds: (prefix, options) => read(one => one.recordingIds(prefix, options)),
    recordingsPage: filter => read(one => one.recordingsPage(filter)),
    deliveriesPage: filter => read(one => one.deliveriesPage(filter)),
    activity: since => read(one => one.activity(since)),
    endpointStates: () => read(one => one.endpointStates()),
    worker: () => read(one => one.worker()),
    machines: () => read(one => one.machines()),
    measures: () => read(one => one.measures()),
  };
}
