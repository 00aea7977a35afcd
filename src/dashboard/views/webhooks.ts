import { heldText } from './attention.ts';
import { EndpointList } from './endpoints.ts';
import { type Child, Fragment, h } from './h.ts';
import type { Frame, WebhooksContent } from './model.ts';
import { Ago, Empty, many, Panel, RecordingLink, Table, Text, Zone } from './parts.ts';

/** What waits and why, and what an operator can do about it. */
export function Webhooks({ content, frame }: { content: WebhooksContent; frame: Frame }): Child {
  const { filter, webhooks, endpoints, now } = content;
  return h(
    Fragment,
    {},
    h('h1', { class: 'unseen' }, 'Webhooks'),
    h(
      'div',
      { class: 'columns' },
      h(
        'div',
        { class: 'main-column' },
        h(Kinds, { content }),
        h(
          frame.readOnly ? 'div' : 'form',
          frame.readOnly ? {} : { method: 'get', action: '/actions/new' },
          h(
            'div',
            { class: 'panel flush' },
            webhooks.length === 0
              ? h(Empty, {}, filter.state === 'held' ? 'No webhook is held.' : 'No webhook waits.')
              : h(Rows, { content, frame }),
          ),
          !frame.readOnly && webhooks.length > 0 && h(Buttons, { content }),
        ),
        h(Pages, { content }),
      ),
      h(
        'div',
        { class: 'side-column' },
        h(Panel, { title: 'Endpoints', children: h(EndpointList, { endpoints, now, frame }) }),
        !frame.readOnly && h(Panel, { title: 'Replay a span', children: h(Replay, { content }) }),
      ),
    ),
  );
}

function Kinds({ content }: { content: WebhooksContent }): Child {
  const { filter, endpoints } = content;
  const sum = (kind: 'held' | 'waiting') =>
    endpoints
      .filter(({ name }) => filter.endpoint === '' || name === filter.endpoint)
      .reduce((total, one) => total + one[kind], 0);
  const link = (state: 'held' | 'waiting', endpoint: string) => {
    const query = new URLSearchParams({ state });
    if (endpoint) query.set('endpoint', endpoint);
    return `/webhooks?${query}`;
  };
  const tab = (state: 'held' | 'waiting', title: string) =>
    h(
      'a',
      { href: link(state, filter.endpoint), 'aria-current': filter.state === state ? 'page' : undefined },
      title,
      ' ',
      h('span', { class: 'number quiet' }, sum(state).toLocaleString('en-US')),
    );
  return h(
    'div',
    { class: 'kinds' },
    h('nav', { class: 'tabs', 'aria-label': 'State' }, tab('held', 'Held'), tab('waiting', 'Waiting')),
    endpoints.length > 1 &&
      h(
        'nav',
        { class: 'tabs push', 'aria-label': 'Endpoint' },
        ['', ...endpoints.map(one => one.name)].map(name =>
          h(
            'a',
            {
              key: name,
              href: link(filter.state, name),
              'aria-current': filter.endpoint === name ? 'page' : undefined,
            },
            name || 'All endpoints',
          ),
        ),
      ),
  );
}

function Rows({ content, frame }: { content: WebhooksContent; frame: Frame }): Child {
  const { webhooks, now, filter } = content;
  const isHeld = filter.state === 'held';
  return h(Table, {
    caption: isHeld ? 'Held webhooks' : 'Waiting webhooks',
    columns: [
      ...(frame.readOnly
        ? []
        : [
            {
              title: h('input', { type: 'checkbox', class: 'scripted', id: 'select-all', 'aria-label': 'Select all' }),
            },
          ]),
      { title: 'Recording' },
      { title: 'Endpoint', wide: true },
      { title: 'Why', full: true },
      { title: 'Tries', number: true, wide: true },
      { title: isHeld ? 'Held' : 'Next try', number: true },
    ],
    rows: webhooks.map(one => ({
      key: one.webhookId,
      cells: [
        ...(frame.readOnly
          ? []
          : [
              h('input', {
                type: 'checkbox',
                name: 'webhook',
                value: `${one.recordingId} ${one.endpoint}`,
                'aria-label': `Select the webhook of recording ${one.recordingId} to ${one.endpoint}`,
              }),
            ]),
        h(RecordingLink, { id: one.recordingId }),
        one.endpoint,
        h(Text, { of: why(one), class: 'clamp' }),
        String(one.attempts),
        h(Ago, { at: one.nextAt ?? one.since, now }),
      ],
    })),
  });
}

function why({ heldReason, error, attempts, state }: WebhooksContent['webhooks'][number]): string {
  if (error) return error;
  if (state === 'held') return heldText(heldReason);
  return attempts === 0 ? 'not tried yet' : 'waits for its next try';
}

function Buttons({ content }: { content: WebhooksContent }): Child {
  const { filter, endpoints } = content;
  const all = endpoints
    .filter(({ name }) => filter.endpoint === '' || name === filter.endpoint)
    .reduce((sum, one) => sum + one[filter.state], 0);
  const query = new URLSearchParams({ action: 'retry', ...(filter.state === 'held' ? { held: '1' } : { now: '1' }) });
  if (filter.endpoint) query.set('endpoint', filter.endpoint);
  return h(
    'div',
    { class: 'buttons' },
    h('button', { type: 'submit', name: 'action', value: 'retry', class: 'primary' }, 'Retry selected…'),
    h('button', { type: 'submit', name: 'action', value: 'discard' }, 'Discard selected…'),
    h('a', { class: 'button push', href: `/actions/new?${query}` }, `Retry all ${all.toLocaleString('en-US')}…`),
  );
}

function Replay({ content }: { content: WebhooksContent }): Child {
  return h(
    'form',
    { method: 'get', action: '/actions/new', class: 'stack' },
    h('input', { type: 'hidden', name: 'action', value: 'replay' }),
    h('p', { class: 'quiet' }, 'Sends again what was delivered in that time: of each recording the newest webhook.'),
    h('label', {}, h('span', {}, 'From'), h('input', { type: 'datetime-local', name: 'since', required: true })),
    h('label', {}, h('span', {}, 'To (now, if empty)'), h('input', { type: 'datetime-local', name: 'until' })),
    h(
      'label',
      {},
      h('span', {}, 'Endpoint'),
      h(
        'select',
        { name: 'endpoint' },
        h('option', { value: '' }, 'All'),
        content.endpoints
          .filter(one => one.state !== 'unconfigured')
          .map(one => h('option', { value: one.name }, one.name)),
      ),
    ),
    h(
      'label',
      { class: 'check' },
      h('input', { type: 'checkbox', name: 'held', value: '1' }),
      h('span', {}, 'held ones, instead of delivered ones'),
    ),
    h(Zone, {}),
    h('button', { type: 'submit' }, 'Look what it will send…'),
  );
}

function Pages({ content }: { content: WebhooksContent }): Child {
  const { filter, next, webhooks } = content;
  const link = (after: string) => {
    const query = new URLSearchParams({ state: filter.state });
    if (filter.endpoint) query.set('endpoint', filter.endpoint);
    if (after) query.set('after', after);
    return `/webhooks?${query}`;
  };
  return h(
    'nav',
    { class: 'pages', 'aria-label': 'Pages' },
    filter.after
      ? h('a', { class: 'button', href: link('') }, 'First page')
      : h('span', { class: 'quiet' }, many(webhooks.length, 'webhook'), ' shown'),
    next && h('a', { class: 'button', href: link(next), rel: 'next' }, 'Next page'),
  );
}
