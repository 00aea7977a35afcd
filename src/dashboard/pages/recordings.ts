import { pageOfRecordings } from '../../app/pages.ts';
import type { Runtime } from '../../app/runtime.ts';
import type { OverviewContent, RecordingState, RecordingsContent } from '../views/model.ts';
import { momentIn } from './zone.ts';

const PAGE = 50;
const STATES: readonly RecordingState[] = ['recording', 'uploading', 'partial', 'done', 'waiting', 'held'];

/** One page of the recordings that the query asks for. What it does not understand does not narrow. */
export async function recordingsContent(
  query: Readonly<Record<string, string>>,
  runtime: Pick<Runtime, 'overview'>,
  { counts, machines: all }: Pick<OverviewContent, 'counts' | 'machines'>,
): Promise<RecordingsContent> {
  const state = STATES.find(one => one === query.state);
  const machines = all?.map(({ name }) => name) ?? null;
  const machine = machines?.find(name => name === query.machine);
  const { q: text = '', since = '', until = '', after = '', tz: zone = '' } = query;
  const { entries, next, searchedTo, hasState } = await pageOfRecordings(
    {
      state,
      machine,
      text: text.trim().slice(0, 200),
      since: momentIn(since, zone),
      until: momentIn(nextDay(until), zone),
      after,
      limit: PAGE,
    },
    runtime,
  );
  const isNarrowed =
    machine !== undefined ||
    text.trim() !== '' ||
    momentIn(since, zone) !== undefined ||
    momentIn(nextDay(until), zone) !== undefined;
  const total = isNarrowed ? null : totalOf(state, counts);
  return {
    hasState,
    filter: { state: state ?? '', machine: machine ?? '', text: text.trim(), since, until, zone, after },
    machines,
    total,
    recordings: entries.map(
      ({ target, id, machine: owner, title, state, updatedAt, files, storedBytes, webhooks }) => ({
        target,
        id,
        machine: owner ?? null,
        title,
        state,
        updatedAt,
        files,
        storedBytes,
        webhooks: webhooks.map(({ endpoint, state }) => ({ endpoint, state })),
      }),
    ),
    searchedTo: searchedTo ?? null,
    next: next ?? null,
  };
}

function totalOf(state: RecordingState | undefined, counts: OverviewContent['counts']): number | null {
  const { recording, uploading, partial, done } = counts;
  if (state === undefined) return recording + uploading + partial + done;
  // Several webhooks may be of one recording.
  return state === 'waiting' || state === 'held' ? null : counts[state];
}

/** The day after one that a date field has, `2026-01-31`. */
function nextDay(text: string): string {
  const ms = Date.parse(`${text}T00:00Z`);
  return Number.isNaN(ms) ? '' : new Date(ms + 86_400_000).toISOString().slice(0, 10);
}
