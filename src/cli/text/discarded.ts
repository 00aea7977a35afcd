import type { Delivery } from '../../core/delivery/delivery.ts';
import { printable } from '../../core/text.ts';
import { count } from '../terminal/format.ts';

/** The webhooks that were discarded, in one line. */
export function discardedText({
  recordingId,
  discarded,
}: {
  recordingId: string;
  discarded: readonly Delivery[];
}): string {
  const names = [...new Set(discarded.map(({ endpoint }) => endpoint))].map(printable).join(', ');
  return `${recordingId}: ${count(discarded.length, 'webhook')} discarded (${names}); history: recordupload webhook history ${recordingId}`;
}
