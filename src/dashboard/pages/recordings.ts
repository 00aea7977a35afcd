import { pageOfRecordings } from '../../app/pages.ts';
import type { Runtime } from '../../app/runtime.ts';
import type { OverviewContent, RecordingState, RecordingsContent } from '../views/model.ts';

const PAGE = 50;
const STATES: readonly RecordingState[] = ['recording', 'uploading', 'partial', 'done', 'waiting', 'held'];

/** One page of the recordings that the query asks for. What it does not understand does not narrow. */
export async function recordingsContent(
  query: Readonly<Record<string, string>>,
  runtime: Pick<Runtime, 'overview'>,
  counts: OverviewContent['counts'],
): Promise<RecordingsContent> {
  const state = STATES.find(one => one === query.state);
  const { q: text = '', since = '', until = '', after = '' } = query;
  const { entries, next, hasState } = await pageOfRecordings(
    {
      state,
      text: text.trim().slice(0, 200),
      since: dayOf(since),
      until: nextDayOf(until),
      after,
      limit: PAGE,
    },
    runtime,
  );
  const isNarrowed = text.trim() !== '' || dayOf(since) !== undefined || nextDayOf(until) !== undefined;
  const total = isNarrowed ? null : totalOf(state, counts);
  return {
    hasState,
    filter: { state: state ?? '', text: text.trim(), since, until, after },
    total,
    recordings: entries.map(({ target, id, title, state, updatedAt, files, storedBytes, webhooks }) => ({
      target,
      id,
      title,
      state,
      updatedAt,
      files,
      storedBytes,
      webhooks: webhooks.map(({ endpoint, state }) => ({ endpoint, state })),
    })),
    next: next ?? null,
  };
}

function totalOf(state: RecordingState | undefined, counts: OverviewContent['counts']): number | null {
  const { recording, uploading, partial, done } = counts;
  if (state === undefined) return recording + uploading + partial + done;
  // Several webhooks may be of one recording.
  return state === 'waiting' || state === 'held' ? null : counts[state];
}

/** The start of a day as a date field has it, `2026-01-31`, in local time. */
function dayOf(text: string): number | undefined {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00`) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function nextDayOf(text: string): number | undefined {
  const start = dayOf(text);
  return start === undefined ? undefined : new Date(start).setHours(24, 0, 0, 0);
}
