import { type Child, Fragment, h } from './h.ts';
import type { Frame, PlanContent } from './model.ts';
import { Moment, many, Table, Text, Words } from './parts.ts';

/** What an action will do; nothing has been done yet. */
export function Plan({ content, frame }: { content: PlanContent; frame: Frame }): Child {
  const { title, will, items, count, nothing, fields, button, back } = content;
  return h(
    Fragment,
    {},
    h('h1', {}, title),
    h(
      'div',
      { class: 'panel plan' },
      nothing === null
        ? [
            h('p', { class: 'strong' }, 'This will happen; nothing is done yet:'),
            h(
              'ul',
              { class: 'will' },
              will.map((sentence, index) => h('li', { key: index }, h(Words, { of: sentence }))),
            ),
          ]
        : h('p', {}, h(Words, { of: nothing })),
      h(
        'form',
        { method: 'post', action: '/actions', class: 'buttons' },
        h('input', { type: 'hidden', name: 'changeToken', value: frame.changeToken }),
        fields.map(({ name, value }) => h('input', { type: 'hidden', name, value })),
        nothing === null && h('button', { type: 'submit', class: 'primary' }, button),
        h('a', { class: 'button', href: back }, nothing === null ? 'Cancel' : 'Back'),
      ),
    ),
    items.length > 0 &&
      h(
        'div',
        { class: 'panel flush' },
        h(Table, {
          caption: 'What it will happen to',
          columns: [{ title: many(count, 'item') }, { title: 'Now', full: true }],
          rows: items.map(({ subject, detail, at }, index) => ({
            key: `${index} ${subject}`,
            cells: [
              h(Text, { of: subject }),
              h('span', {}, h(Text, { of: detail, class: 'whole' }), at !== null && [' ', h(Moment, { at })]),
            ],
          })),
        }),
        count > items.length && h('p', { class: 'more' }, `and ${(count - items.length).toLocaleString('en-US')} more`),
      ),
  );
}
