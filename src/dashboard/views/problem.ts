import { type Child, Fragment, h } from './h.ts';
import type { Frame, ProblemContent } from './model.ts';
import { Lines } from './parts.ts';

/** What went wrong in place of a page. */
export function Problem({ content }: { content: ProblemContent; frame: Frame }): Child {
  const { title, message, hint } = content;
  return h(
    Fragment,
    {},
    h('h1', {}, title),
    h(
      'div',
      { class: 'panel plan', role: 'alert' },
      h('p', {}, h(Lines, { of: message })),
      hint && h('p', { class: 'quiet' }, h(Lines, { of: hint })),
    ),
  );
}
