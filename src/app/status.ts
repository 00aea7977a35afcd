import { UNCONFIGURED } from '../core/delivery/delivery-report.ts';
import { EMPTY_OVERVIEW, type StateDamage, type StateOverview } from '../core/status/overview.ts';
import { targetOf } from '../core/storage/target.ts';
import { type Alarm, findAlarms } from './alarms.ts';
import { type FleetView, fleetView } from './fleet-view.ts';
import type { Runtime } from './runtime.ts';

export interface StatusRequest {
  /** Unfinished work is an alarm once it is older than this; without it, every upload that broke off is one. */
  maxAgeMs?: number | undefined;
  /** The most entries of each list; all are counted. */
  limit: number;
  /** Only uploads of this machine of the fleet; webhooks are of all. */
  machine?: string | undefined;
}

/** What is uploading, partial, waiting, held and done. */
export type StatusReport =
  /** Nothing has been uploaded from this machine, or of the fleet, yet. */
  | { hasState: false; stateDir: string; fleet?: FleetView | undefined }
  | {
      hasState: true;
      stateDir: string;
      /** The configured bucket, `<endpoint>/<bucket>`; the state may know others. */
      target: string;
      overview: StateOverview;
      alarms: Alarm[];
      /** Undefined where the state is of this machine alone. */
      fleet?: FleetView | undefined;
      /** The state file is damaged: this is what could be read of it. */
      damage?: StateDamage | undefined;
      /** Why this is of one machine of the fleet alone. */
      alone?: string | undefined;
      /** When this was so, in milliseconds since 1970. */
      now: number;
    };

/** What is where; empty if nothing has been uploaded yet. */
export function overviewOf(report: StatusReport): StateOverview {
  return report.hasState ? report.overview : EMPTY_OVERVIEW;
}

/** Reads the status as often as it is asked to. */
export interface StatusReader extends AsyncDisposable {
  /** @throws AppError `STATE` if the state cannot be read */
  read(request: StatusRequest): Promise<StatusReport>;
}

/**
 * Reads what is uploading, partial, waiting, held and done. Changes nothing and waits for no lock.
 * @throws AppError `STATE` if the state cannot be read, `USAGE` if no machine has that name
 */
export async function status(request: StatusRequest, runtime: Runtime): Promise<StatusReport> {
  await using reader = openStatus(runtime);
  return await reader.read(request);
}

/** Adds the endpoints to which nothing is sent because of the configuration: it has no token for them, or not them. */
function withUnsendable(overview: StateOverview, { webhooks }: Pick<Runtime['config'], 'webhooks'>): StateOverview {
  const { waiting, held, endpoints } = overview;
  const known = new Set(endpoints.map(({ name }) => name));
  const namesOf = (deliveries: readonly { endpoint: string }[]) =>
    [...new Set(deliveries.map(({ endpoint }) => endpoint))].filter(name => !known.has(name));
  const found = (name: string) => webhooks.find(one => one.name === name);
  const tokenless = namesOf(waiting)
    .filter(name => found(name)?.enabled && found(name)?.token === undefined)
    .map(name => {
      const reason = 'has no token: set one, then run "recordupload retry"';
      return { name, reason, isTokenless: true as const, since: null };
    });
  const unconfigured = namesOf([...waiting, ...held])
    .filter(name => !found(name))
    .map(name => ({ name, reason: UNCONFIGURED, isUnconfigured: true as const, since: null }));
  return { ...overview, endpoints: [...endpoints, ...tokenless, ...unconfigured] };
}

/** Reads the same again and again. As long as there is no state, each reading looks for one. */
export function openStatus({ config, clock, overview }: Pick<Runtime, 'config' | 'clock' | 'overview'>): StatusReader {
  const { stateDir } = config;
  let open: Awaited<ReturnType<typeof overview>>;
  return {
    async read({ maxAgeMs, limit, machine }) {
      open ??= await overview();
      const fleet = await fleetView(open, config, machine);
      if (!open) return { hasState: false, stateDir, fleet };
      const found = withUnsendable(await open.all({ limit, machine }), config);
      const now = clock.now();
      const target = targetOf(config);
      const alarms = findAlarms(found, { maxAgeMs, now });
      return {
        hasState: true,
        stateDir,
        target,
        overview: found,
        alarms,
        fleet,
        damage: open.damage(),
        alone: open.alone?.(),
        now,
      };
    },
    async [Symbol.asyncDispose]() {
      open?.close();
    },
  };
}
