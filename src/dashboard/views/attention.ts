import { type Child, Fragment, h } from './h.ts';
import type { OverviewContent, QueuedRow, UploadRow } from './model.ts';
import { Ago, Empty, RecordingLink, State, Text } from './parts.ts';

/** What somebody has to act on, a few of each kind. */
export function Attention({
  content,
  partial,
  refused,
  held,
}: {
  content: OverviewContent;
  partial: readonly UploadRow[];
  refused: readonly QueuedRow[];
  held: OverviewContent['held'];
}): Child {
  const { now, counts } = content;
  const shown = partial.length + refused.length + held.length;
  const more = counts.partial + counts.refused + counts.held - Math.min(shown, 3 * FEW);
  if (shown === 0) return h(Empty, {}, 'Nothing is held, partial or refused.');
  const row = (key: string, state: string, id: string, why: string, since: number, machine?: string | null) =>
    h(
      'li',
      { key, class: 'line one-line' },
      h(State, { tone: 'bad' }, state),
      h(RecordingLink, { id }),
      h(Text, { of: machine ? `${machine}: ${why}` : why, class: 'cut grow quiet' }),
      h('span', { class: 'quiet' }, h(Ago, { at: since, now })),
    );
  return h(
    Fragment,
    {},
    h(
      'ul',
      { class: 'rows' },
      held
        .slice(0, FEW)
        .map(one =>
          row(
            one.webhookId,
            'held',
            one.recordingId,
            `${one.endpoint}: ${one.error ?? heldText(one.heldReason)}`,
            one.since,
          ),
        ),
      refused
        .slice(0, FEW)
        .map(one => row(`${one.machine} ${one.dir}`, 'refused', one.id, one.reason ?? '', one.since, one.machine)),
      partial
        .slice(0, FEW)
        .map(one =>
          row(
            `${one.target} ${one.id}`,
            'partial',
            one.id,
            one.error ?? 'the upload broke off',
            one.since,
            one.machine,
          ),
        ),
    ),
    more > 0 &&
      h(
        'p',
        { class: 'more' },
        `and ${more.toLocaleString('en-US')} more: `,
        h('a', { href: '/webhooks?state=held' }, 'held webhooks'),
        ', ',
        h('a', { href: '/recordings?state=partial' }, 'partial uploads'),
      ),
  );
}

/** Of each kind. */
const FEW = 8;

export function heldText(reason: string | null): string {
  const texts: Readonly<Record<string, string>> = {
    refused: 'the server refuses the token',
    rejected: 'the server rejects the payload',
    exhausted: 'every try has failed',
    disabled: 'the endpoint is disabled',
    'no-email': 'there is no e-mail address to tell the server',
  };
  return texts[reason ?? ''] ?? 'held';
}
