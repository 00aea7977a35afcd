import { formatBytes } from '../../core/units.ts';
import { type Child, Fragment, h } from './h.ts';
import type { Frame, RecordingsContent } from './model.ts';
import { Empty, Moment, many, printableText, RecordingLink, State, Table, Text, toneOf, Zone } from './parts.ts';

const STATES: readonly [value: string, title: string][] = [
  ['', 'All'],
  ['recording', 'Recording'],
  ['uploading', 'Uploading'],
  ['partial', 'Partial'],
  ['done', 'Done'],
  ['waiting', 'Webhook waiting'],
  ['held', 'Webhook held'],
];

/** Recordings, the newest first, with search and filters. */
export function Recordings({ content }: { content: RecordingsContent; frame: Frame }): Child {
  const { filter, recordings, total, hasState, machines, searchedTo } = content;
  const isNarrowed = Boolean(filter.text || filter.state || filter.machine || filter.since || filter.until);
  return h(
    Fragment,
    {},
    h(
      'div',
      { class: 'title-line' },
      h('h1', {}, 'Recordings'),
      h('p', { class: 'quiet', role: 'status' }, total === null ? '' : many(total, 'recording')),
    ),
    h(
      'form',
      { class: 'filter', method: 'get', action: '/recordings', role: 'search' },
      h(
        'label',
        { class: 'grow' },
        h('span', {}, 'Search'),
        h('input', { type: 'search', name: 'q', value: filter.text, placeholder: 'ID or title', autocomplete: 'off' }),
      ),
      h(
        'label',
        {},
        h('span', {}, 'State'),
        h(
          'select',
          { name: 'state' },
          STATES.map(([value, title]) => h('option', { value, selected: value === filter.state }, title)),
        ),
      ),
      machines &&
        h(
          'label',
          {},
          h('span', {}, 'Machine'),
          h(
            'select',
            { name: 'machine' },
            ['', ...machines].map(name =>
              h('option', { value: name, selected: name === filter.machine }, name ? printableText(name) : 'All'),
            ),
          ),
        ),
      h('label', {}, h('span', {}, 'From'), h('input', { type: 'date', name: 'since', value: filter.since })),
      h('label', {}, h('span', {}, 'To'), h('input', { type: 'date', name: 'until', value: filter.until })),
      h(Zone, {}),
      h('button', { type: 'submit', class: 'primary' }, 'Show'),
      isNarrowed && h('a', { class: 'button', href: '/recordings' }, 'Clear'),
    ),
    searchedTo !== null &&
      h(
        'p',
        { class: 'quiet', role: 'note' },
        filter.after
          ? 'Searched back to '
          : 'Searched all IDs for exactly this, and the titles and IDs of recordings that were updated since ',
        h(Moment, { at: searchedTo }),
        '. “Older” searches on.',
      ),
    recordings.length === 0
      ? h(
          'div',
          { class: 'panel' },
          h(
            Empty,
            {},
            !hasState
              ? machines
                ? 'Nothing has been uploaded yet.'
                : 'Nothing has been uploaded from this machine yet.'
              : isNarrowed
                ? searchedTo === null
                  ? 'No recording is like that.'
                  : 'None of these recordings is like that.'
                : 'No recording.',
          ),
        )
      : h(
          'div',
          { class: 'panel flush' },
          h(Table, {
            caption: 'Recordings',
            columns: [
              { title: 'Recording' },
              { title: 'Title', full: true },
              ...(machines ? [{ title: 'Machine' }] : []),
              { title: 'State' },
              { title: 'Webhooks' },
              { title: 'Size', number: true, wide: true },
              { title: 'Updated', number: true, wide: true },
            ],
            rows: recordings.map(one => ({
              key: `${one.target} ${one.id}`,
              cells: [
                h(RecordingLink, { id: one.id }),
                h(Text, { of: one.title }),
                ...(machines ? [h(Text, { of: one.machine ?? '', class: 'quiet' })] : []),
                h(State, { tone: toneOf(one.state) }, one.state),
                h(Webhooks, { webhooks: one.webhooks }),
                formatBytes(one.storedBytes),
                h(Moment, { at: one.updatedAt }),
              ],
            })),
          }),
        ),
    h(Pages, { content }),
  );
}

function Webhooks({ webhooks }: { webhooks: RecordingsContent['recordings'][number]['webhooks'] }): Child {
  if (webhooks.length === 0) return h('span', { class: 'quiet' }, 'none');
  return h(
    'span',
    { class: 'states' },
    webhooks.map(({ endpoint, state }) =>
      h(State, { key: endpoint, tone: toneOf(state) }, endpoint === 'default' ? state : `${endpoint} ${state}`),
    ),
  );
}

function Pages({ content }: { content: RecordingsContent }): Child {
  const { filter, next } = content;
  const link = (after: string) => {
    const query = new URLSearchParams();
    if (filter.text) query.set('q', filter.text);
    for (const name of ['state', 'machine', 'since', 'until'] as const) if (filter[name]) query.set(name, filter[name]);
    if (filter.zone && (filter.since || filter.until)) query.set('tz', filter.zone);
    if (after) query.set('after', after);
    const text = query.toString();
    return text ? `/recordings?${text}` : '/recordings';
  };
  return h(
    'nav',
    { class: 'pages', 'aria-label': 'Pages' },
    filter.after ? h('a', { class: 'button', href: link('') }, 'Newest') : h('span', {}),
    next && h('a', { class: 'button', href: link(next), rel: 'next' }, 'Older'),
  );
}
