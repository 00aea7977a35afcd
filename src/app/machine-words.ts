import type { UnfinishedUpload } from '../core/status/overview.ts';
import type { Machine } from '../core/status/worker.ts';
import { printable } from '../core/text.ts';
import { formatDuration } from '../core/units.ts';

/** More recordings of one machine are counted. */
const MOST_NAMED = 2;

/** Whether a machine of a fleet is alive, and since when. @param now milliseconds since 1970 */
export function lifeOf({ since, lastSeen }: Machine, now: number): string {
  const age = (from: number) => formatDuration(Math.max(0, now - from));
  return since === null ? `not running, last started ${age(lastSeen)} ago` : `alive for ${age(since)}`;
}

/**
 * What a machine of a fleet is doing.
 * @param uploads those of the fleet that are under way, or some of them
 */
export function workOf(
  { name, isAlive, worker, recording, uploading, sending }: Machine,
  uploads: readonly Pick<UnfinishedUpload, 'machine' | 'state' | 'id'>[],
): string {
  if (!isAlive) return '';
  const of = (state: UnfinishedUpload['state'], all: number, words: string) => {
    if (all === 0) return [];
    const ids = uploads.filter(one => one.machine === name && one.state === state).map(one => printable(one.id));
    const named = ids.slice(0, Math.min(MOST_NAMED, all));
    const more = all - named.length;
    if (named.length === 0) return [`${words} ${count(all, 'recording')}`];
    return [`${words} ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
  };
  const work = [
    ...of('recording', recording, 'uploading while it is recorded:'),
    ...of('uploading', uploading, 'uploading'),
    ...(sending > 0 ? [`sending ${count(sending, 'webhook')}`] : []),
  ];
  const watching = worker === undefined ? [] : [`watching (process ${worker.pid})`];
  return [...watching, ...(work.length > 0 ? work : ['idle'])].join(', ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
