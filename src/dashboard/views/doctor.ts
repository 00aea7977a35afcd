import { type Child, Fragment, h } from './h.ts';
import type { DoctorContent, Frame } from './model.ts';
import { Lines, Moment, many, State, toneOf } from './parts.ts';

/** Checks this machine, the bucket and the recordings server, at one click. */
export function Doctor({ content, frame }: { content: DoctorContent; frame: Frame }): Child {
  const { state, startedAt, results, problem } = content;
  const failures = results.filter(one => one.status === 'failure').length;
  const warnings = results.filter(one => one.status === 'warning').length;
  const verdict =
    state === 'running'
      ? 'Checking; at most 10 s.'
      : failures > 0
        ? `${many(failures, 'failure')}, ${many(warnings, 'warning')}`
        : warnings > 0
          ? many(warnings, 'warning')
          : 'Everything is well.';
  return h(
    Fragment,
    {},
    h(
      'div',
      { class: 'title-line' },
      h('h1', {}, 'Doctor'),
      !frame.readOnly &&
        h(
          'form',
          { method: 'post', action: '/doctor', class: 'push' },
          h('input', { type: 'hidden', name: 'changeToken', value: frame.changeToken }),
          h(
            'button',
            { type: 'submit', class: 'primary', disabled: state === 'running' },
            state === 'running' ? 'Checking…' : 'Check now',
          ),
        ),
    ),
    h(
      'p',
      { class: 'quiet' },
      'It looks at this machine, the configuration, the bucket and the recordings server. It writes small objects into the bucket and deletes them again.',
    ),
    state !== 'never' &&
      h(
        'div',
        { class: 'panel flush' },
        h(
          'header',
          { role: 'status' },
          h('h2', {}, problem ? 'It could not be done' : verdict),
          startedAt !== null && h('span', { class: 'quiet' }, h(Moment, { at: startedAt })),
        ),
        problem && h('p', { class: 'why bad' }, h(Lines, { of: problem })),
        h(
          'ul',
          { class: 'rows' },
          results.map(({ name, status, detail, fix, more }, index) =>
            h(
              'li',
              { key: `${index} ${name}` },
              h(
                'div',
                { class: 'line' },
                h(State, { tone: toneOf(status) }, status === 'failure' ? 'failed' : status),
                h('span', { class: 'strong' }, name),
              ),
              h(
                'div',
                { class: 'why' },
                h(Lines, { of: detail }),
                fix && h('span', { class: 'fix' }, h(Lines, { of: fix })),
              ),
              more.length > 0 &&
                h(
                  'details',
                  {},
                  h('summary', {}, 'Details'),
                  h(
                    'ul',
                    {},
                    more.map(text => h('li', {}, h(Lines, { of: text }))),
                  ),
                ),
            ),
          ),
        ),
      ),
  );
}
