import type { ListReport } from '../../../app/list.ts';
import { printable } from '../../../core/text.ts';
import { formatBytes } from '../../../core/units.ts';
import { count, table } from '../../terminal/format.ts';
import { formatMoment } from '../../terminal/moment.ts';

/** One line for each recording: when, which, what became of it and of its webhooks. */
export function listText({ hasState, stateDir, recordings }: ListReport): string[] {
  if (!hasState) return [`nothing has been uploaded from this machine yet (no state in ${printable(stateDir)})`];
  if (recordings.length === 0) return ['no recording'];
  return table(
    recordings.map(({ id, title, state, updatedAt, files, storedBytes, webhooks }) => [
      formatMoment(updatedAt),
      printable(id),
      state,
      `${count(files, 'file')}, ${formatBytes(storedBytes)}`,
      webhooks.map(one => (one.endpoint === 'default' ? one.state : `${one.endpoint} ${one.state}`)).join(', ') ||
        'no webhook',
      printable(title),
    ]),
  );
}
