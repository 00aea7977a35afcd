import { type Child, h } from './h.ts';
import type { EndpointRow, Frame } from './model.ts';
import { Ago, Empty, State, Text, type Tone } from './parts.ts';

const STATES: Readonly<Record<EndpointRow['state'], { tone: Tone; text: string }>> = {
  ok: { tone: 'ok', text: 'enabled' },
  off: { tone: 'off', text: 'off' },
  disabled: { tone: 'bad', text: 'disabled' },
  refused: { tone: 'bad', text: 'refuses the token' },
  'no-token': { tone: 'bad', text: 'no token' },
  unconfigured: { tone: 'off', text: 'not configured' },
};

const WHY: Readonly<Partial<Record<EndpointRow['state'], string>>> = {
  off: '"enabled: false" in the configuration keeps its webhooks back.',
  refused: 'Its webhooks are held until the token or the URL is changed.',
  'no-token': 'Set its token or tokenFile, then retry.',
  unconfigured: 'Only the state knows it; nothing is sent to it until it is configured again.',
};

/** Each endpoint with its state, what waits for it, and the switch. */
export function EndpointList({
  endpoints,
  now,
  frame,
}: {
  endpoints: readonly EndpointRow[];
  now: number;
  frame: Frame;
}): Child {
  if (endpoints.length === 0) return h(Empty, {}, 'No endpoint is configured.');
  return h(
    'ul',
    { class: 'rows' },
    endpoints.map(endpoint => {
      const { name, url, state, reason, since, waiting, held, delivered } = endpoint;
      const { tone, text } = STATES[state];
      const change = state === 'disabled' ? 'enable' : 'disable';
      return h(
        'li',
        { key: name },
        h(
          'div',
          { class: 'line' },
          h('span', { class: 'strong' }, name),
          h(State, { tone }, text),
          since !== null && h('span', { class: 'quiet' }, h(Ago, { at: since, now })),
          !frame.readOnly &&
            h(
              'a',
              {
                class: 'push',
                href: `/actions/new?action=${change}&endpoint=${encodeURIComponent(name)}`,
                'aria-label': `${change === 'enable' ? 'Enable' : 'Disable'} ${name}`,
              },
              change === 'enable' ? 'Enable…' : 'Disable…',
            ),
        ),
        url && h('div', { class: 'quiet' }, h(Text, { of: url })),
        h(
          'div',
          { class: 'quiet number' },
          `${waiting.toLocaleString('en-US')} waiting, `,
          held > 0
            ? h(
                'a',
                { href: `/webhooks?state=held&endpoint=${encodeURIComponent(name)}` },
                `${held.toLocaleString('en-US')} held`,
              )
            : '0 held',
          `, ${delivered.toLocaleString('en-US')} delivered`,
        ),
        (reason ?? WHY[state]) &&
          h('div', { class: 'why' }, h(Text, { of: reason ?? WHY[state] ?? '', class: 'clamp' })),
      );
    }),
  );
}
