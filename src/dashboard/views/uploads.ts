import { formatBytes } from '../../core/units.ts';
import { type Child, h } from './h.ts';
import type { QueuedRow, UploadRow } from './model.ts';
import { Ago, Bar, leftText, many, RecordingLink, rateText, State, Text } from './parts.ts';

/** Uploads that run, with bars. */
export function Uploads({ uploads, now }: { uploads: readonly UploadRow[]; now: number }): Child {
  return h(
    'ul',
    { class: 'rows' },
    uploads.map(upload => {
      const { id, dir, machine, state, bytes, totalBytes, rate, leftMs, since, files } = upload;
      const percent = totalBytes > 0 ? Math.floor((100 * bytes) / totalBytes) : 0;
      return h(
        'li',
        { key: `${upload.target} ${id}`, class: 'upload' },
        h(
          'div',
          { class: 'line' },
          h(RecordingLink, { id }),
          h(Text, { of: dir, class: 'cut quiet grow' }),
          machine !== null && h(Text, { of: machine, class: 'quiet' }),
          state === 'recording' && h(State, { tone: 'work' }, 'recording'),
          h('span', { class: 'number strong' }, `${percent} %`),
        ),
        h(Bar, { bytes, total: totalBytes, label: `recording ${id}: ${percent} % uploaded` }),
        h(
          'div',
          { class: 'line quiet' },
          h('span', { class: 'number' }, `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`),
          h('span', { class: 'number' }, rate ? rateText(rate) : '–'),
          h('span', { class: 'number grow' }, leftMs === null ? '' : leftText(leftMs)),
          h('span', {}, many(files.length, 'file'), ', began ', h(Ago, { at: since, now })),
        ),
      );
    }),
  );
}

/** Folders whose upload has not begun. */
export function Queue({ entries, now }: { entries: readonly QueuedRow[]; now: number }): Child {
  return h(
    'ul',
    { class: 'rows' },
    entries.map(({ dir, machine, id, reason, nextAt, since }) =>
      h(
        'li',
        { key: `${machine} ${dir}` },
        h(
          'div',
          { class: 'line' },
          h(State, { tone: 'wait' }, 'queued'),
          h(Text, { of: id, class: 'id' }),
          h(Text, { of: dir, class: 'cut quiet grow' }),
          machine !== null && h(Text, { of: machine, class: 'quiet' }),
          h('span', { class: 'quiet' }, h(Ago, { at: since, now })),
        ),
        reason &&
          h(
            'div',
            { class: 'why' },
            h(Text, { of: reason, class: 'clamp' }),
            h('span', { class: 'quiet' }, 'looked at again ', nextAt <= now ? 'now' : h(Ago, { at: nextAt, now })),
          ),
      ),
    ),
  );
}
