import { printable, printableLine } from '../../core/text.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';
import { type Child, h } from './h.ts';
import type { Sentence } from './model.ts';

/*
 * Small pieces that several views are made of. Texts from recordings and servers come in as text alone, and what would
 * turn the writing direction around, or hide, becomes an escape.
 */

/** A moment in the reader's time zone, with UTC on hover. */
export function Moment({ at, short = false }: { at: number; short?: boolean }): Child {
  const date = new Date(at);
  const local = date.toLocaleString('sv-SE');
  const utc = `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  return h('time', { dateTime: date.toISOString(), title: utc, class: 'moment' }, short ? local.slice(11) : local);
}

/** Texts with moments between them. */
export function Words({ of }: { of: Sentence }): Child {
  return [of].flat().map(part => (typeof part === 'number' ? h(Moment, { at: part }) : part));
}

/** How long ago, or in how long; the moment itself on hover. */
export function Ago({ at, now }: { at: number; now: number }): Child {
  const date = new Date(at);
  const title = `${date.toLocaleString('sv-SE')} (${date.toISOString().slice(0, 19).replace('T', ' ')} UTC)`;
  const distance = Math.round(Math.abs(now - at) / 1000) * 1000;
  const text = distance < 1000 ? 'now' : at > now ? `in ${roughly(distance)}` : `${roughly(distance)} ago`;
  return h('time', { dateTime: date.toISOString(), title, class: 'moment' }, text);
}

/** One unit and no tenths: what ticks must not jump. */
function roughly(ms: number): string {
  const [seconds, minutes, hours] = [ms / 1000, ms / 60_000, ms / 3_600_000];
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  if (minutes < 59.5) return `${Math.round(minutes)} min`;
  return hours < 47.5 ? `${Math.round(hours)} h` : `${Math.round(hours / 24)} d`;
}

/** Tells the server in which time zone the fields of a form are; without a script, they are in the server's. */
export function Zone(): Child {
  const zone = typeof document === 'undefined' ? '' : new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return h('input', { type: 'hidden', name: 'tz', value: zone });
}

/** Text from outside as one line; the whole of it on hover where it is cut. */
export function Text({ of, class: name = 'cut' }: { of: string; class?: string }): Child {
  const shown = printableLine(of);
  return h('span', { class: name, dir: 'auto', title: shown.length > 60 ? shown.slice(0, 2000) : undefined }, shown);
}

/** Text from outside, all of it, line by line. */
export function Lines({ of }: { of: string }): Child {
  const lines = of.split('\n').map(printable);
  return h('span', { class: 'whole', dir: 'auto' }, lines.join('\n'));
}

/** Text from outside where no element is wanted. */
export function printableText(text: string): string {
  return printableLine(text);
}

export type Tone = 'ok' | 'work' | 'wait' | 'bad' | 'off';

/** A state in one word, with a dot whose colour says how good it is. */
export function State({ tone, children }: { tone: Tone; children: Child }): Child {
  return h('span', { class: `state ${tone}` }, children);
}

const TONES: Readonly<Record<string, Tone>> = {
  done: 'ok',
  delivered: 'ok',
  uploaded: 'ok',
  ok: 'ok',
  recording: 'work',
  uploading: 'work',
  sending: 'work',
  running: 'work',
  waiting: 'wait',
  pending: 'wait',
  queued: 'wait',
  interrupted: 'wait',
  warning: 'wait',
  partial: 'bad',
  held: 'bad',
  refused: 'bad',
  failed: 'bad',
  failure: 'bad',
  disabled: 'bad',
};

export function toneOf(state: string): Tone {
  return TONES[state] ?? 'off';
}

/** A bar with its numbers. */
export function Bar({ bytes, total, label }: { bytes: number; total: number; label: string }): Child {
  return h('progress', { max: Math.max(1, total), value: Math.min(bytes, total), 'aria-label': label });
}

/** How long an upload still takes. */
export function leftText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  return `${seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000)} left`;
}

export function rateText(rate: number): string {
  return `${formatBytes(rate)}/s`;
}

export function Panel({
  title,
  aside,
  id,
  children,
}: {
  title: string;
  aside?: Child;
  id?: string;
  children?: Child;
}): Child {
  return h('section', { class: 'panel', id }, h('header', {}, h('h2', {}, title), aside), children);
}

/** What a list says that has nothing in it. */
export function Empty({ children }: { children: Child }): Child {
  return h('p', { class: 'empty' }, children);
}

export function RecordingLink({ id }: { id: string }): Child {
  return h('a', { href: recordingPath(id), class: 'id' }, printableLine(id));
}

export function recordingPath(id: string): string {
  return `/recordings/${encodeURIComponent(id)}`;
}

/**
 * A table whose head names the columns. On narrow screens, each row becomes a block: `wide` columns are left out, and
 * `full` ones get a line of their own.
 */
export function Table({
  caption,
  columns,
  rows,
}: {
  caption: string;
  columns: readonly Column[];
  rows: readonly { key: string; cells: readonly Child[] }[];
}): Child {
  const classOf = ({ wide, number, full }: Column) =>
    [wide ? 'wide' : '', number ? 'number' : '', full ? 'full' : ''].filter(Boolean).join(' ') || undefined;
  return h(
    'div',
    // Where it is too wide, it scrolls: with the keyboard, too.
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      {},
      h('caption', { class: 'unseen' }, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          columns.map(column => h('th', { scope: 'col', class: classOf(column) }, column.title)),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map(({ key, cells }) =>
          h(
            'tr',
            { key },
            cells.map((cell, index) => h('td', { class: classOf(columns[index] ?? {}) }, cell)),
          ),
        ),
      ),
    ),
  );
}

interface Column {
  title?: Child;
  wide?: boolean;
  full?: boolean;
  number?: boolean;
}

/** `1 webhook`, `2 webhooks`. */
export function many(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}
