import { type Child, Fragment, h } from './h.ts';
import type { ActionContent, ActionRow, Frame } from './model.ts';
import { Ago, Lines, Moment, State, Table, Text, toneOf } from './parts.ts';

/** What came of an action, or how far it is. */
export function Action({ content }: { content: ActionContent; frame: Frame }): Child {
  const { title, state, startedAt, endedAt, summary, items, back } = content;
  return h(
    Fragment,
    {},
    h('h1', {}, title),
    h(
      'div',
      { class: 'panel plan' },
      h(
        'div',
        { class: 'line', role: 'status' },
        h(State, { tone: toneOf(state) }, state),
        h('span', { class: 'strong' }, h(Lines, { of: summary })),
      ),
      h(
        'p',
        { class: 'quiet' },
        'Started ',
        h(Moment, { at: startedAt }),
        endedAt === null ? '; you may leave this page, it goes on.' : [', ended ', h(Moment, { at: endedAt }), '.'],
      ),
      h('div', { class: 'buttons' }, h('a', { class: 'button', href: back }, 'Back')),
    ),
    items.length > 0 &&
      h(
        'div',
        { class: 'panel flush' },
        h(Table, {
          caption: 'What came of it',
          columns: [{ title: 'Item' }, { title: 'Outcome' }, { title: 'Details', full: true }],
          rows: items.map(({ subject, outcome, detail, nextAt }, index) => ({
            key: `${index} ${subject}`,
            cells: [
              h(Text, { of: subject }),
              h(State, { tone: toneOf(outcome) }, outcome === 'failure' ? 'failed' : outcome),
              h(
                'span',
                {},
                h(Lines, { of: detail }),
                nextAt && h('span', { class: 'quiet' }, ' Next try ', h(Moment, { at: nextAt })),
              ),
            ],
          })),
        }),
      ),
  );
}

/** The newest actions, on the overview. */
export function ActionList({ actions, now }: { actions: readonly ActionRow[]; now: number }): Child {
  return h(
    'ul',
    { class: 'rows' },
    actions.map(({ id, title, state, startedAt, summary }) =>
      h(
        'li',
        { key: id },
        h(
          'div',
          { class: 'line' },
          h(State, { tone: toneOf(state) }, state),
          h('a', { href: `/actions/${id}` }, title),
          h('span', { class: 'quiet push' }, h(Ago, { at: startedAt, now })),
        ),
        h('div', { class: 'quiet' }, h(Text, { of: summary })),
      ),
    ),
  );
}
