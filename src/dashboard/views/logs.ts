import { type Child, Fragment, h } from './h.ts';
import type { Frame, LogRow, LogsContent } from './model.ts';
import { Moment, printableText, RecordingLink, State, type Tone } from './parts.ts';

const LEVELS: readonly [value: string, title: string][] = [
  ['', 'All'],
  ['info', 'Info and worse'],
  ['warn', 'Warnings and worse'],
  ['error', 'Errors'],
];
const TONES: Readonly<Record<string, Tone>> = { debug: 'off', info: 'off', warn: 'wait', error: 'bad' };

/** The log's newest lines; the browser's script adds those that follow. */
export function Logs({ content, follow }: { content: LogsContent; frame: Frame; follow?: Child | undefined }): Child {
  const { filter, file, exists, lines } = content;
  return h(
    Fragment,
    {},
    h('div', { class: 'title-line' }, h('h1', {}, 'Logs'), h('span', { class: 'quiet whole' }, file), follow),
    h(
      'form',
      { class: 'filter', method: 'get', action: '/logs', role: 'search' },
      h(
        'label',
        { class: 'grow' },
        h('span', {}, 'Recording'),
        h('input', { type: 'search', name: 'id', value: filter.id, placeholder: 'ID', autocomplete: 'off' }),
      ),
      h(
        'label',
        {},
        h('span', {}, 'Level'),
        h(
          'select',
          { name: 'level' },
          LEVELS.map(([value, title]) => h('option', { value, selected: value === filter.level }, title)),
        ),
      ),
      h('button', { type: 'submit', class: 'primary' }, 'Show'),
    ),
    h(
      'div',
      { class: 'panel log', id: 'log', tabIndex: 0, role: 'region', 'aria-label': 'Log lines' },
      lines.length === 0
        ? h('p', { class: 'empty' }, exists ? 'No line is like that.' : 'Nothing has been logged yet.')
        : h(
            'ol',
            {},
            lines.map((line, index) => h(Line, { key: index, line })),
          ),
    ),
  );
}

function Line({ line }: { line: LogRow }): Child {
  const { at, level, recording, text, more } = line;
  return h(
    'li',
    { class: `level-${TONES[level] ?? 'off'}` },
    at === null ? h('span', { class: 'moment' }) : h(Moment, { at }),
    h(State, { tone: TONES[level] ?? 'off' }, level || '–'),
    recording ? h(RecordingLink, { id: recording }) : h('span', {}),
    h(
      'span',
      { class: 'whole' },
      printableText(text),
      more && h('span', { class: 'quiet' }, ` ${printableText(more)}`),
    ),
  );
}
