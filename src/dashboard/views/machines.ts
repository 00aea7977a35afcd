import { type Child, h } from './h.ts';
import type { MachineRow } from './model.ts';
import { Ago, State, Text } from './parts.ts';

/** The machines of a fleet: who is alive, since when, and what it is doing. */
export function Machines({ machines, now }: { machines: readonly MachineRow[]; now: number }): Child {
  return h(
    'ul',
    { class: 'rows' },
    machines.map(({ name, since, lastSeen, work }) =>
      h(
        'li',
        { key: name },
        h(
          'div',
          { class: 'line' },
          h(State, { tone: since === null ? 'off' : 'ok' }, since === null ? 'not running' : 'alive'),
          h('a', { class: 'strong', href: `/recordings?machine=${encodeURIComponent(name)}` }, h(Text, { of: name })),
          h(
            'span',
            { class: 'quiet push' },
            since === null ? 'last began ' : 'since ',
            h(Ago, { at: since ?? lastSeen, now }),
          ),
        ),
        work && h('div', { class: 'quiet' }, h(Text, { of: work })),
      ),
    ),
  );
}
