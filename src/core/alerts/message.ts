import { printableLine } from '../text.ts';
import { formatDuration } from '../units.ts';
import type { AlertEvent, Cause } from './cause.ts';

/** Discord takes 2,000 characters. */
const LONGEST = 1_500;

/**
 * The JSON text of an alert. Slack and Mattermost show `text`, Discord shows `content`; the other fields are for
 * programs, and have names that none of the three uses.
 * @param machine whose recordings it is about
 * @param options.now milliseconds since 1970
 */
export function alertBody(
  event: AlertEvent | 'test',
  cause: Cause & { since: number },
  { machine, now }: { machine: string; now: number },
): string {
  const { key, text, count, since } = cause;
  const who = machine === '' ? 'recordupload' : `recordupload on ${machine}`;
  const sentence =
    event === 'recovered'
      ? `${who}: recovered after ${formatDuration(Math.max(0, now - since))}: ${text}`
      : event === 'test'
        ? `${who}: ${text}`
        : `${who}: ${text}. Next: recordupload status`;
  const shown = withoutMentions(sentence);
  return JSON.stringify({
    text: shown,
    content: shown,
    // Discord: nobody is paged by a name within the text.
    allowed_mentions: { parse: [] },
    version: 1,
    event,
    cause: key,
    count,
    machine,
    since: new Date(since).toISOString(),
    at: new Date(now).toISOString(),
  });
}

/** Texts come from servers and folders as well: in a chat they must not become links, mentions or markup. */
function withoutMentions(text: string): string {
  const line = printableLine(text)
    .replaceAll('<', '‹')
    .replaceAll('>', '›')
    .replaceAll('@', '＠')
    .replaceAll('&', '＆');
  const characters = [...line];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('')}…` : line;
}
