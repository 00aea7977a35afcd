import type { CoreEvent } from '../../core/events.ts';

/** Below this share of parts that were kept, live did not help. */
const HELPS = 0.5;

/** What live has brought, in words: `live upload ended: 46 of 49 parts were in the bucket already`. */
export function liveEndText(event: Extract<CoreEvent, { type: 'live-ended' }>): string {
  const { parts, keptParts, changedParts } = event;
  // Of few parts, the head alone is much; recorders write it again.
  if (changedParts > 1 && keptParts < HELPS * (keptParts + changedParts)) {
    return `live upload did not help: ${changedParts} of the ${keptParts + changedParts} parts that were sent while it was recorded have other bytes in the finished file, as if the recorder had rewritten it as a whole; they are sent again`;
  }
  const again =
    changedParts > 0 ? `, ${changedParts} more had changed and ${changedParts === 1 ? 'is' : 'are'} sent again` : '';
  return `live upload ended: ${keptParts} of ${parts} parts were in the bucket already${again}`;
}
