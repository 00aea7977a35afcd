import { formatBytes } from '../../core/units.ts';
import { ActionList } from './action.ts';
import { Attention } from './attention.ts';
import { EndpointList } from './endpoints.ts';
import { type Child, Fragment, h } from './h.ts';
import { Machines } from './machines.ts';
import type { Frame, OverviewContent } from './model.ts';
import { Ago, Empty, many, Panel, rateText, State } from './parts.ts';
import { Throughput } from './throughput.ts';
import { Queue, Uploads } from './uploads.ts';

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
      (content.machines
        ? h('p', { class: 'notice' }, 'Nothing has been uploaded yet.')
        : h(
            'p',
            { class: 'notice' },
            'Nothing has been uploaded from this machine yet: ',
            h('code', {}, content.stateDir),
          )),
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

function Workers({ content, machine }: { content: OverviewContent; machine: string }): Child {
  const { worker, machines, now } = content;
  if (machines && machines.length > 0) return h(Machines, { machines, now });
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
        h('span', { class: 'quiet push' }, `process ${worker.pid}, began `, h(Ago, { at: worker.since, now })),
      ),
    ),
  );
}
