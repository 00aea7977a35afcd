import type { RecentRecording } from '../core/status/overview.ts';
import type { DeliveriesFilter, ListedDelivery, Page, RecordingsFilter } from '../core/status/pages.ts';
import type { Runtime } from './runtime.ts';

/** A page of a list; empty as long as nothing was uploaded from this machine. */
type PageOf<Entry> = Page<Entry> & { hasState: boolean };

/**
 * A page of the recordings that were uploaded from this machine, the newest first. Changes nothing and waits for no lock.
 * @throws AppError `STATE` if the state cannot be read
 */
export async function pageOfRecordings(
  filter: RecordingsFilter,
  runtime: Pick<Runtime, 'overview'>,
): Promise<PageOf<RecentRecording>> {
  return await read(runtime, open => open.recordingsPage(filter));
}

/**
 * A page of the webhooks that are held or wait. Changes nothing and waits for no lock.
 * @throws AppError `STATE` if the state cannot be read
 */
export async function pageOfWebhooks(
  filter: DeliveriesFilter,
  runtime: Pick<Runtime, 'overview'>,
): Promise<PageOf<ListedDelivery>> {
  return await read(runtime, open => open.deliveriesPage(filter));
}

async function read<Entry>(
  { overview }: Pick<Runtime, 'overview'>,
  page: (open: NonNullable<Awaited<ReturnType<Runtime['overview']>>>) => Promise<Page<Entry>>,
): Promise<PageOf<Entry>> {
  const open = await overview();
  if (!open) return { entries: [], next: undefined, hasState: false };
  try {
    return { ...(await page(open)), hasState: true };
  } finally {
    open.close();
  }
}
