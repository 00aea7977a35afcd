import type { Runtime } from './runtime.ts';
import type { Chore } from './watch/house.ts';

/**
 * Brings over what this machine has kept while the database of the fleet was away, if it is back. Does nothing where the
 * state is a file of this machine.
 * @throws AppError `STATE`
 */
export async function bringOver({ state, observer }: Pick<Runtime, 'state' | 'observer'>): Promise<void> {
  const brought = await (await state()).bringOver?.();
  if (!brought) return;
  const { recordings, webhooks, others } = brought;
  const what = `${plural(recordings, 'recording')} and ${plural(webhooks, 'webhook')}`;
  observer({ type: 'notice', message: `the database of the state is back: ${what} of this machine were brought over` });
  for (const { recordingId, machine } of others) {
    observer({
      type: 'warning',
      message: `machine ${machine} has uploaded a recording with the ID ${recordingId} meanwhile, so the webhook of this machine's is not sent (upload it under another ID with --id)`,
      isLoss: true,
    });
  }
}

/** The worker notices by itself that the database is back, and sends at once what waited. */
export const BRING_OVER: Chore = { firstMs: 0, everyMs: 3_000, work: bringOver };

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
