import { Action } from './action.ts';
import { Doctor } from './doctor.ts';
import { type Child, h } from './h.ts';
import { Logs } from './logs.ts';
import type { Contents, Frame, PageModel, PageName } from './model.ts';
import { Overview } from './overview.ts';
import { Plan } from './plan.ts';
import { Problem } from './problem.ts';
import { Recording } from './recording.ts';
import { Recordings } from './recordings.ts';
import { Webhooks } from './webhooks.ts';

type View<Name extends PageName> = (props: { content: Contents[Name]; frame: Frame }) => Child;

const VIEWS: { readonly [Name in PageName]: View<Name> } = {
  overview: Overview,
  recordings: Recordings,
  recording: Recording,
  webhooks: Webhooks,
  plan: Plan,
  action: Action,
  logs: Logs,
  doctor: Doctor,
  problem: Problem,
};

const NAVIGATION: readonly { href: string; title: string; pages: readonly PageName[] }[] = [
  { href: '/', title: 'Overview', pages: ['overview'] },
  { href: '/recordings', title: 'Recordings', pages: ['recordings', 'recording'] },
  { href: '/webhooks', title: 'Webhooks', pages: ['webhooks'] },
  { href: '/logs', title: 'Logs', pages: ['logs'] },
  { href: '/doctor', title: 'Doctor', pages: ['doctor'] },
];

/** Whether what a page shows is still so. */
export type Connection =
  /** There is no script, or it has not begun yet. */
  | { state: 'still' }
  | { state: 'live' }
  | { state: 'lost'; since: number }
  /** The server does not know this browser any more. */
  | { state: 'signed-out' };

/** What the pages have in common, and one of them in it. */
export function Shell({ model, connection }: { model: PageModel; connection: Connection }): Child {
  const { page, frame, content } = model;
  const view = VIEWS[page] as View<PageName>;
  return h(
    'div',
    { class: 'shell' },
    h('a', { class: 'skip', href: '#content' }, 'Skip to the content'),
    h(
      'header',
      { class: 'top' },
      h('a', { class: 'brand', href: '/' }, h('span', { class: 'mark', 'aria-hidden': 'true' }), 'recordupload'),
      h(
        'nav',
        { 'aria-label': 'Pages of the dashboard' },
        NAVIGATION.map(({ href, title, pages }) =>
          h(
            'a',
            { href, 'aria-current': pages.includes(page) ? 'page' : undefined },
            title,
            href === '/webhooks' &&
              frame.held > 0 &&
              h(
                'span',
                { class: 'badge' },
                frame.held.toLocaleString('en-US'),
                h('span', { class: 'unseen' }, ' held'),
              ),
          ),
        ),
      ),
      h(
        'div',
        { class: 'who' },
        h(Light, { connection }),
        h('span', { class: 'machine' }, frame.machine),
        frame.readOnly && h('span', { class: 'read-only' }, 'read-only'),
        h(
          'form',
          { method: 'post', action: '/sign-out' },
          h('input', { type: 'hidden', name: 'changeToken', value: frame.changeToken }),
          h('button', { type: 'submit', class: 'link' }, 'Sign out'),
        ),
      ),
    ),
    h(Banner, { connection }),
    h(
      'main',
      { id: 'content', tabIndex: -1, class: `page-${page}` },
      // The overview has the newest.
      page !== 'overview' && frame.problem && h('p', { class: 'notice bad', role: 'alert' }, frame.problem),
      h(view, { content, frame }),
    ),
  );
}

function Light({ connection: { state } }: { connection: Connection }): Child {
  const text = { still: '', live: 'live', lost: 'not connected', 'signed-out': 'signed out' }[state];
  return h('span', { class: `light ${state}` }, text);
}

/** Says that the numbers are old; it lies over the page, so that nothing moves. */
function Banner({ connection }: { connection: Connection }): Child {
  const text =
    connection.state === 'lost'
      ? `The connection was lost at ${new Date(connection.since).toLocaleTimeString('sv-SE')}: what you see is from then. Trying again…`
      : connection.state === 'signed-out'
        ? 'The dashboard does not know this browser any more: what you see is old.'
        : '';
  return h(
    'div',
    { class: 'banner', role: 'status' },
    text && h('p', {}, text, connection.state === 'signed-out' && [' ', h('a', { href: '/sign-in' }, 'Sign in')]),
  );
}
