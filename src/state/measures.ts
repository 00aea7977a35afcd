import { DELIVERY_TIME_BOUNDS_MS, type Measures, type Total } from '../core/status/measures.ts';
import type { Row } from './rows.ts';

/** What is counted: the column `name` of the totals. */
export type TotalName = 'upload' | 'sent-file' | 'sent-part' | 'attempt' | 'delivery' | 'delivery-within';

/** What measures are made of, whichever database it is from. */
export interface MeasureRows {
  /** By name and labels: `name`, `labels` as JSON, `count`, `sum`. */
  totals: readonly Row[];
  last: Pick<Measures, 'lastUploadAt' | 'lastDeliveryAt' | 'lastPassAt'>;
  /** `endpoint`, `n`. */
  waiting: readonly Row[];
  /** `endpoint`, `held_reason`, `n`. */
  held: readonly Row[];
}

/** `Overview.measures` from rows. @throws SyntaxError if labels are no JSON */
export function measuresOf({ totals, last, waiting, held }: MeasureRows): Measures {
  const of = (name: TotalName) => totals.filter(row => row.name === name).map(toTotal);
  const sum = (totals: readonly Total[]) => totals.reduce((all, one) => all + one.sum, 0);
  const count = (totals: readonly Total[]) => totals.reduce((all, one) => all + one.count, 0);
  const steps = of('delivery-within');
  return {
    uploads: of('upload').map(
      ({ labels: [outcome, run], ...total }) => ({ ...total, outcome, run }) as Measures['uploads'][number],
    ),
    sentFiles: { count: count(of('sent-file')), sum: sum(of('sent-file')) },
    sentParts: count(of('sent-part')),
    attempts: of('attempt').map(
      ({ labels: [endpoint, outcome, status, run], ...total }) =>
        ({ ...total, endpoint, outcome, status, run }) as Measures['attempts'][number],
    ),
    deliveries: of('delivery').map(({ labels: [endpoint = ''], ...total }) => ({
      ...total,
      endpoint,
      within: DELIVERY_TIME_BOUNDS_MS.map(bound =>
        count(steps.filter(({ labels: [to, upTo] }) => to === endpoint && Number(upTo) <= bound)),
      ),
    })),
    ...last,
    waiting: waiting.map(row => ({ endpoint: String(row.endpoint), count: Number(row.n) })),
    held: held.map(row => ({
      endpoint: String(row.endpoint),
      reason: String(row.held_reason),
      count: Number(row.n),
    })),
  };
}

function toTotal({ labels, count, sum }: Row): Total & { labels: string[] } {
  return { labels: JSON.parse(String(labels)), count: Number(count), sum: Number(sum) };
}
