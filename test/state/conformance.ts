import { describe } from '@jest/globals';
import { alertBookConforms } from './conformance/alert-book.ts';
import { circuitsConform } from './conformance/circuits.ts';
import { claimsConform } from './conformance/claims.ts';
import { crashesConform } from './conformance/crashes.ts';
import { endpointsConform } from './conformance/endpoints.ts';
import { forgettingConforms } from './conformance/forget.ts';
import { abandonedConform, inFlightConforms } from './conformance/in-flight.ts';
import { journalConforms } from './conformance/journal.ts';
import { liveConforms } from './conformance/live.ts';
import { measuresConform } from './conformance/measures.ts';
import { outboxConforms } from './conformance/outbox.ts';
import { overviewConforms } from './conformance/overview.ts';
import { pagesConform } from './conformance/pages.ts';
import { partsJournalConforms } from './conformance/parts-journal.ts';
import { processesConform } from './conformance/processes.ts';
import { queueConforms, workersConform } from './conformance/queue.ts';
import { type Place, useStage } from './conformance/stage.ts';

export type { Place } from './conformance/stage.ts';

/**
 * What every implementation of the core's ports must do, as the core and the use cases rely on it.
 * @param makePlace a new, empty place for a state
 * @param options.isShared several processes can open the state of a place
 * @param options.isFleet several machines can
 */
export function describeState(
  name: string,
  makePlace: () => Promise<Place>,
  options: { isShared: boolean; isFleet?: boolean },
): void {
  describe(name, () => {
    const stage = useStage(makePlace);
    journalConforms(stage);
    partsJournalConforms(stage);
    outboxConforms(stage);
    claimsConform(stage);
    inFlightConforms(stage);
    endpointsConform(stage);
    overviewConforms(stage);
    measuresConform(stage);
    alertBookConforms(stage);
    queueConforms(stage);
    liveConforms(stage);
    forgettingConforms(stage);
    pagesConform(stage);
    if (!options.isShared) return;
    processesConform(stage);
    workersConform(stage);
    crashesConform(stage);
    abandonedConform(stage);
    if (options.isFleet) circuitsConform(stage);
  });
}
