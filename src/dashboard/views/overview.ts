import { formatBytes, formatDuration } from '../../core/units.ts';
import { ActionList } from './action.ts';
import { EndpointList } from './endpoints.ts';
import { type Child, Fragment, h } from './h.ts';
import type { Frame, OverviewContent, QueuedRow, UploadRow } from './model.ts';
import { Ago, Bar, Empty, many, Panel, RecordingLink, rateText, State, Text } from './parts.ts';
import { Throughput } from './throughput.ts';

/** What is where, at a glance. */
export function Overview({ content, frame }: { content: OverviewContent; frame: Frame }): Child {
  const { counts, now, uploads, queued, refused, held, rate } = content;
  const running = uploads.filter(upload => upload.state !== 'partial');
  const partial = uploads.filter(upload => upload.state === 'partial');
  const failed = counts.partial + counts.refused;
  return h(
    Fragment,
    {},
    h('h1', { class: 'unseen' }, 'Overview'),
    content.problem && h('p', { class: 'notice bad', role: 'alert' }, content.problem),
    !content.hasState &&
      h('p', { class: 'notice' }, 'Nothing has been uploaded from this machine yet: ', h('code', {}, content.stateDir)),
    h(
      'ul',
      { class: 'tiles', 'aria-label': 'Counts' },
      h(Tile, {
        title: 'Recording now',
        count: counts.recording,
        href: '/recordings?state=recording',
        note: counts.recording > 0 ? 'uploaded meanwhile' : 'none',
        tone: counts.recording > 0 ? 'work' : '',
      }),
      h(Tile, {
        title: 'Uploading',
        count: counts.uploading,
        href: '/recordings?state=uploading',
        note: counts.uploading > 0 ? rateText(rate) : 'idle',
        tone: counts.uploading > 0 ? 'work' : '',
      }),
      h(Tile, {
        title: 'Queued',
        count: counts.queued,
        href: '#queued',
        note: 'begin by themselves',
      }),
      h(Tile, {
        title: 'Webhooks waiting',
        count: counts.waiting,
        href: '/webhooks?state=waiting',
        note: h(NextTry, { at: content.nextAt, now }),
      }),
      h(Tile, {
        title: 'Webhooks held',
        count: counts.held,
        href: '/webhooks?state=held',
        note: counts.held > 0 ? 'somebody has to act' : 'none',
        tone: counts.held > 0 ? 'bad' : '',
      }),
      h(Tile, {
        title: 'Failed uploads',
        count: failed,
        href: '#attention',
        note: failed > 0 ? `${counts.partial} partial, ${counts.refused} refused` : 'none',
        tone: failed > 0 ? 'bad' : '',
      }),
      h(Tile, {
        title: 'Done today',
        count: counts.doneToday,
        href: '/recordings?state=done',
        note: `${counts.done.toLocaleString('en-US')} in all`,
      }),
    ),
    h(
      'div',
      { class: 'columns' },
      h(
        'div',
        { class: 'main-column' },
        h(Panel, {
          title: 'Uploads',
          aside:
            running.length < counts.uploading + counts.recording
              ? h('a', { href: '/recordings?state=uploading' }, 'all')
              : undefined,
          children:
            running.length === 0 ? h(Empty, {}, 'No upload is running.') : h(Uploads, { uploads: running, now }),
        }),
        h(Panel, {
          title: 'Needs attention',
          id: 'attention',
          aside:
            counts.held + failed > 0 && !frame.readOnly
              ? h('a', { href: '/actions/new?action=retry&held=1' }, 'Retry all…')
              : undefined,
          children: h(Attention, { content, partial, refused, held }),
        }),
        queued.length > 0 &&
          h(Panel, {
            title: 'Queued',
            id: 'queued',
            aside: h('span', { class: 'quiet' }, many(counts.queued, 'folder')),
            children: h(Queue, { entries: queued, now }),
          }),
      ),
      h(
        'div',
        { class: 'side-column' },
        h(Panel, {
          title: 'Throughput, last hour',
          aside: h('span', { class: 'quiet' }, formatBytes(content.throughput.reduce((sum, one) => sum + one, 0))),
          children: h(Throughput, { minutes: content.throughput, now }),
        }),
        h(Panel, { title: 'Endpoints', children: h(EndpointList, { endpoints: content.endpoints, now, frame }) }),
        h(Panel, { title: 'Workers', children: h(Workers, { content, machine: frame.machine }) }),
        content.actions.length > 0 &&
          h(Panel, { title: 'Actions', children: h(ActionList, { actions: content.actions, now }) }),
      ),
    ),
  );
}

function NextTry({ at, now }: { at: number | null; now: number }): Child {
  if (at === null) return 'none is due';
  return at <= now ? 'due now' : h(Fragment, {}, 'next ', h(Ago, { at, now }));
}

interface TileProps {
  title: string;
  count: number;
  href: string;
  note: Child;
  tone?: string;
}

function Tile({ title, count, href, note, tone = '' }: TileProps): Child {
  return h(
    'li',
    {},
    h(
      'a',
      { class: `tile ${tone}`.trim(), href },
      h('span', { class: 'tile-title' }, title),
      h('span', { class: 'tile-number' }, count.toLocaleString('en-US')),
      h('span', { class: 'tile-note' }, note),
    ),
  );
}

function Uploads({ uploads, now }: { uploads: readonly UploadRow[]; now: number }): Child {
  return h(
    'ul',
    { class: 'rows' },
    uploads.map(upload => {
      const { id, dir, state, bytes, totalBytes, rate, leftMs, since, files } = upload;
      const percent = totalBytes > 0 ? Math.floor((100 * bytes) / totalBytes) : 0;
      return h(
        'li',
        { key: `${upload.target} ${id}`, class: 'upload' },
        h(
          'div',
          { class: 'line' },
          h(RecordingLink, { id }),
          h(Text, { of: dir, class: 'cut quiet grow' }),
          state === 'recording' && h(State, { tone: 'work' }, 'recording'),
          h('span', { class: 'number strong' }, `${percent} %`),
        ),
        h(Bar, { bytes, total: totalBytes, label: `recording ${id}: ${percent} % uploaded` }),
        h(
          'div',
          { class: 'line quiet' },
          h('span', { class: 'number' }, `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`),
          h('span', { class: 'number' }, rate === null ? '–' : rateText(rate)),
          h(
            'span',
            { class: 'number grow' },
            leftMs === null ? '' : `${formatDuration(Math.round(leftMs / 1000) * 1000)} left`,
          ),
          h('span', {}, many(files.length, 'file'), ', since ', h(Ago, { at: since, now })),
        ),
      );
    }),
  );
}

function Attention({
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
  const row = (key: string, state: string, id: string, why: string, since: number) =>
    h(
      'li',
      { key, class: 'line one-line' },
      h(State, { tone: 'bad' }, state),
      h(RecordingLink, { id }),
      h(Text, { of: why, class: 'cut grow quiet' }),
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
      refused.slice(0, FEW).map(one => row(one.dir, 'refused', one.id, one.reason ?? '', one.since)),
      partial
        .slice(0, FEW)
        .map(one => row(`${one.target} ${one.id}`, 'partial', one.id, one.error ?? 'the upload broke off', one.since)),
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

function Queue({ entries, now }: { entries: readonly QueuedRow[]; now: number }): Child {
  return h(
    'ul',
    { class: 'rows' },
    entries.map(({ dir, id, reason, nextAt, since }) =>
      h(
        'li',
        { key: dir },
        h(
          'div',
          { class: 'line' },
          h(State, { tone: 'wait' }, 'queued'),
          h(Text, { of: id, class: 'id' }),
          h(Text, { of: dir, class: 'cut quiet grow' }),
          h('span', { class: 'quiet' }, 'since ', h(Ago, { at: since, now })),
        ),
        reason &&
          h(
            'div',
            { class: 'why' },
            h(Text, { of: reason, class: 'clamp' }),
            h('span', { class: 'quiet' }, h(Ago, { at: nextAt, now })),
          ),
      ),
    ),
  );
}

function Workers({ content, machine }: { content: OverviewContent; machine: string }): Child {
  const { worker, now } = content;
  if (!worker)
    return h(
      Empty,
      {},
      'No worker runs on ',
      h('span', { class: 'strong' }, machine || 'this machine'),
      '; ',
      h('code', {}, 'recordupload watch'),
      ' starts one.',
    );
  return h(
    'ul',
    { class: 'rows' },
    h(
      'li',
      {},
      h(
        'div',
        { class: 'line' },
        h(State, { tone: 'ok' }, 'alive'),
        h('span', { class: 'strong' }, machine || 'this machine'),
        h('span', { class: 'quiet push' }, `process ${worker.pid}, since `, h(Ago, { at: worker.since, now })),
      ),
    ),
  );
}
