import { type DeliveryReport, NO_EMAIL, STOPPED, UNCONFIGURED } from '../core/delivery/delivery-report.ts';
import type { WaitingDelivery } from '../core/status/overview.ts';
import { targetOf } from '../core/storage/target.ts';
import type { Runtime } from './runtime.ts';

/** What a retry leaves for an operator: no later retry without options ends it. */
export interface LeftForOperator {
  /** The held webhooks that this run did not try; at most `MOST_LISTED` of them. */
  held: DeliveryReport[];
  /** Uploads into a bucket that is not the configured one; at most `MOST_LISTED` of them. */
  elsewhere: { recordingId: string; dir: string; target: string }[];
  /** Unfinished uploads of other machines of the fleet, which have the folders; at most `MOST_LISTED` of them. */
  ofOthers: { recordingId: string; machine: string }[];
}

/** The same, with why each held webhook is held, by its ID. */
interface FoundLeft extends LeftForOperator {
  causes: ReadonlyMap<string, string>;
}

/** More are counted by `status`. */
const MOST_LISTED = 100;

/**
 * Finds what is held or unfinished after a retry and was not part of it.
 * @param selection.ids only these recordings; none: all
 * @param selection.done the webhooks that the report has already, by webhook ID
 * @throws AppError `STATE`
 */
export async function findLeft(
  { ids, endpoint, done }: { ids: readonly string[]; endpoint: string | undefined; done: ReadonlySet<string> },
  { config, state }: Pick<Runtime, 'config' | 'state'>,
): Promise<FoundLeft> {
  const { overview } = await state();
  const isNarrowed = ids.length > 0 || endpoint !== undefined;
  const all = await overview.all({ limit: isNarrowed ? Number.MAX_SAFE_INTEGER : MOST_LISTED + done.size });
  const isWanted = (id: string) => ids.length === 0 || ids.includes(id);
  const held = all.held.filter(
    one =>
      isWanted(one.recordingId) && (endpoint === undefined || one.endpoint === endpoint) && !done.has(one.webhookId),
  );
  const names = new Set(config.webhooks.map(({ name }) => name));
  const reportOf = (one: WaitingDelivery) => reportWith(one, names.has(one.endpoint));
  const target = targetOf(config);
  const partial = all.uploads.filter(one => one.state === 'partial' && isWanted(one.id));
  const isOurs = ({ machine }: { machine?: string | undefined }) =>
    machine === undefined || machine === config.machine || config.sharedFolders;
  const elsewhere = partial.filter(one => one.target !== target && isOurs(one));
  const ofOthers = partial.filter(one => !isOurs(one));
  return {
    causes: new Map(all.held.map(one => [one.webhookId, reportOf(one).detail])),
    held: held.slice(0, MOST_LISTED).map(reportOf),
    elsewhere: elsewhere.slice(0, MOST_LISTED).map(({ id, dir, target }) => ({ recordingId: id, dir, target })),
    ofOthers: ofOthers.slice(0, MOST_LISTED).map(({ id, machine = '' }) => ({ recordingId: id, machine })),
  };
}

function reportWith(
  { recordingId, endpoint, webhookId, heldReason, error }: WaitingDelivery,
  isConfigured: boolean,
): DeliveryReport {
  const report = { recordingId, endpoint, webhookId, outcome: 'held' as const };
  if (!isConfigured) return { ...report, detail: `endpoint ${endpoint} ${UNCONFIGURED}`, isUnconfigured: true };
  const detail =
    heldReason === 'no-email' ? NO_EMAIL : heldReason === 'refused' ? STOPPED.refused(endpoint) : (error ?? 'held');
  const isDisabled = heldReason === 'disabled' || undefined;
  return { ...report, detail, isDisabled };
}
