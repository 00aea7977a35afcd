import { formatBytes, formatDuration } from '../../core/units.ts';
import { heldText } from './attention.ts';
import { type Child, Fragment, h } from './h.ts';
import type { FileRow, Frame, RecordingContent } from './model.ts';
import {
  Ago,
  Bar,
  Empty,
  Lines,
  leftText,
  Moment,
  many,
  Panel,
  rateText,
  recordingPath,
  State,
  Table,
  Text,
  toneOf,
} from './parts.ts';
import { Player } from './player.ts';

type Upload = RecordingContent['uploads'][number];
type Webhook = RecordingContent['webhooks'][number];

/** One recording: what it looks like, its files, its webhooks with every try, and the payload. */
export function Recording({ content, frame }: { content: RecordingContent; frame: Frame }): Child {
  const { id, title, uploads, queue, webhooks, payload, now } = content;
  const canRetry =
    uploads.some(one => one.recordingState === 'partial') ||
    queue.length > 0 ||
    webhooks.some(one => one.state === 'held' || one.state === 'waiting');
  const canDiscard = webhooks.some(one => one.state === 'held' || one.state === 'waiting');
  const action = (name: string, text: string) =>
    h('a', { class: 'button', href: `/actions/new?action=${name}&id=${encodeURIComponent(id)}` }, text);
  return h(
    Fragment,
    {},
    h(
      'div',
      { class: 'title-line' },
      h('h1', {}, title ? h(Text, { of: title, class: 'clamp' }) : h(Text, { of: id })),
      h('span', { class: 'id quiet' }, id),
      !frame.readOnly &&
        h(
          'span',
          { class: 'buttons push' },
          canRetry && action('retry', 'Retry…'),
          canDiscard && action('discard', 'Discard webhooks…'),
        ),
    ),
    h(
      'div',
      { class: 'columns' },
      h(
        'div',
        { class: 'main-column' },
        (content.video || content.thumbnail) &&
          h(Panel, {
            title: 'Recording',
            children: h(Player, { id, video: content.video, thumbnail: content.thumbnail }),
          }),
        queue.map(entry =>
          h(Panel, {
            title: entry.state === 'refused' ? 'Refused' : 'Queued',
            children: h(
              'div',
              { class: 'why' },
              h(Text, { of: onMachine(entry), class: 'whole quiet' }),
              h(Lines, { of: entry.reason ?? 'Nobody has looked at the folder yet.' }),
              entry.hint && h(Lines, { of: entry.hint }),
            ),
          }),
        ),
        uploads.map(upload => h(Files, { upload, now })),
        uploads.length + queue.length === 0 &&
          h(Panel, { title: 'Files', children: h(Empty, {}, 'It was not uploaded from this machine.') }),
      ),
      h(
        'div',
        { class: 'side-column' },
        h(Panel, {
          title: 'Webhooks',
          children:
            webhooks.length === 0
              ? h(Empty, {}, 'No webhook was made for it.')
              : webhooks.toReversed().map(webhook => h(Tries, { key: webhook.webhookId, webhook, now })),
        }),
        payload &&
          h(Panel, {
            title: 'Payload',
            children: h('pre', { class: 'payload', tabIndex: 0, 'aria-label': 'Payload', role: 'region' }, payload),
          }),
      ),
    ),
  );
}

function Files({ upload, now }: { upload: Upload; now: number }): Child {
  const { id, dir, machine, target, recordingState, bytes, totalBytes, rate, leftMs, files, error, updatedAt, since } =
    upload;
  const when =
    recordingState === 'done' ? h(Moment, { at: updatedAt }) : ['unfinished since ', h(Ago, { at: since, now })];
  const isUploading = recordingState === 'uploading';
  return h(Panel, {
    title: 'Files',
    aside: h(
      'span',
      { class: 'line' },
      h(State, { tone: toneOf(recordingState) }, recordingState),
      h('span', { class: 'quiet' }, when),
    ),
    children: [
      recordingState !== 'done' &&
        h(
          'div',
          { class: 'upload' },
          h(Bar, { bytes, total: totalBytes, label: 'uploaded' }),
          h(
            'div',
            { class: 'line quiet number' },
            `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`,
            isUploading && rate && h('span', {}, rateText(rate)),
            isUploading && leftMs !== null && h('span', {}, leftText(leftMs)),
          ),
        ),
      h(Table, {
        caption: 'Files',
        columns: [
          { title: 'File' },
          { title: 'State' },
          { title: 'Parts', number: true },
          { title: 'Size', number: true },
          { title: h('span', { class: 'unseen' }, 'Download'), number: true, wide: true },
        ],
        rows: files.map(file => ({
          key: file.name,
          cells: [
            h(Text, { of: file.name }),
            h(State, { tone: toneOf(file.state) }, file.state),
            partsText(file),
            formatBytes(file.sizeBytes),
            file.state === 'uploaded'
              ? h(
                  'a',
                  { href: `${mediaPath(id, file.name)}?download`, 'aria-label': `Download ${file.name}` },
                  'Download',
                )
              : '',
          ],
        })),
      }),
      [error, ...files.map(file => file.error)]
        .filter((text, index, all) => text && all.indexOf(text) === index)
        .map(text => h('p', { class: 'why bad' }, h(Lines, { of: text ?? '' }))),
      h(
        'p',
        { class: 'quiet foot' },
        h(Text, { of: onMachine({ dir, machine }), class: 'whole' }),
        ' → ',
        h(Text, { of: `${target}/${id}/`, class: 'whole' }),
      ),
    ],
  });
}

function partsText({ parts, partsDone, state }: FileRow): string {
  if (parts === 0) return state === 'uploaded' ? 'whole' : '–';
  return parts === 1 && state === 'uploaded' ? 'whole' : `${partsDone} of ${parts}`;
}

function mediaPath(id: string, name: string): string {
  return `${recordingPath(id)}/files/${encodeURIComponent(name)}`;
}

function Tries({ webhook, now }: { webhook: Webhook; now: number }): Child {
  const { endpoint, state, heldReason, nextAt, attempts, webhookId, createdAt } = webhook;
  return h(
    'div',
    { class: 'webhook' },
    h(
      'div',
      { class: 'line' },
      h('span', { class: 'strong' }, endpoint),
      h(State, { tone: toneOf(state) }, state),
      heldReason && h('span', {}, heldText(heldReason)),
      h(
        'span',
        { class: 'quiet push' },
        nextAt === null ? h(Moment, { at: createdAt }) : ['next try ', h(Ago, { at: nextAt, now })],
      ),
    ),
    h('div', { class: 'quiet' }, h(Text, { of: webhookId, class: 'id cut' })),
    attempts.length === 0
      ? h('p', { class: 'quiet' }, 'It was not tried yet.')
      : h(
          'ol',
          { class: 'tries', 'aria-label': many(attempts.length, 'try').replace('trys', 'tries') },
          attempts
            .toReversed()
            .map(one =>
              h(
                'li',
                { key: one.number },
                h(
                  'div',
                  { class: 'line' },
                  h('span', { class: 'quiet number' }, `${one.number}.`),
                  h(State, { tone: toneOf(one.outcome) }, one.outcome),
                  h('span', { class: 'number' }, one.status === null ? 'no answer' : `HTTP ${one.status}`),
                  h('span', { class: 'quiet number' }, formatDuration(one.durationMs)),
                  h('span', { class: 'quiet' }, one.trigger),
                  h('span', { class: 'quiet push' }, h(Moment, { at: one.at })),
                ),
                one.error && h('div', { class: 'why' }, h(Lines, { of: one.error })),
                one.excerpt && h('div', { class: 'why answer' }, h(Lines, { of: one.excerpt })),
              ),
            ),
        ),
  );
}

/** A folder, and the machine of the fleet that has it. */
function onMachine({ dir, machine }: { dir: string; machine: string | null }): string {
  return machine === null ? dir : `${dir} on ${machine}`;
}
