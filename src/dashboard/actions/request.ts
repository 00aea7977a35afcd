import { AppError } from '../../core/errors.ts';
import { momentIn } from '../pages/zone.ts';
import type { ActionName } from '../views/model.ts';

/** What an operator asks for; the same fields come in the address of the plan and in the form that does it. */
export interface ActionRequest {
  action: ActionName;
  /** Recordings; none: all, for a retry. */
  ids: string[];
  /** Webhooks that were selected one by one. */
  webhooks: { recordingId: string; endpoint: string }[];
  endpoint: string | undefined;
  held: boolean;
  now: boolean;
  /** The span of a replay, in milliseconds since 1970. */
  since: number;
  until: number;
}

const ACTIONS: readonly ActionName[] = ['retry', 'discard', 'replay', 'enable', 'disable'];
/** More than a page of a list has. */
const MOST = 500;

/**
 * Reads a request from a query or a form.
 * @throws AppError `USAGE` if it makes no sense
 */
export function parseAction(fields: URLSearchParams, now: number): ActionRequest {
  const action = ACTIONS.find(one => one === fields.get('action'));
  if (!action) throw new AppError('USAGE', 'there is no such action', { hint: ACTIONS.join(', ') });
  const webhooks = fields.getAll('webhook').slice(0, MOST).map(parseWebhook);
  const ids = [...new Set([...fields.getAll('id').slice(0, MOST), ...webhooks.map(one => one.recordingId)])];
  const endpoint = fields.get('endpoint') || undefined;
  const needsChoice = action === 'discard' || (action === 'retry' && !fields.has('held') && !fields.has('now'));
  if (needsChoice && ids.length === 0)
    throw new AppError('USAGE', 'nothing is selected', { hint: 'go back and select some webhooks' });
  if ((action === 'enable' || action === 'disable') && endpoint === undefined)
    throw new AppError('USAGE', 'no endpoint is named', { hint: 'choose one on the overview' });
  const span = action === 'replay' ? parseSpan(fields, now) : { since: 0, until: 0 };
  return { action, ids, webhooks, endpoint, held: fields.has('held'), now: fields.has('now'), ...span };
}

/** The fields that make the same request again; a replay's end stays where it was when it was planned. */
export function fieldsOf(request: ActionRequest): { name: string; value: string }[] {
  const { action, ids, webhooks, endpoint, held, now, since, until } = request;
  return [
    { name: 'action', value: action },
    ...webhooks.map(one => ({ name: 'webhook', value: `${one.recordingId} ${one.endpoint}` })),
    ...ids.filter(id => !webhooks.some(one => one.recordingId === id)).map(value => ({ name: 'id', value })),
    ...(endpoint === undefined ? [] : [{ name: 'endpoint', value: endpoint }]),
    ...(held ? [{ name: 'held', value: '1' }] : []),
    ...(now ? [{ name: 'now', value: '1' }] : []),
    ...(action === 'replay'
      ? [
          { name: 'since', value: String(since) },
          { name: 'until', value: String(until) },
        ]
      : []),
  ];
}

function parseWebhook(text: string): { recordingId: string; endpoint: string } {
  const [, recordingId, endpoint] = /^(\S+) (\S+)$/.exec(text) ?? [];
  if (recordingId === undefined || endpoint === undefined)
    throw new AppError('USAGE', 'a webhook is not named rightly', { hint: 'go back and load the page again' });
  return { recordingId, endpoint };
}

function parseSpan(fields: URLSearchParams, now: number): { since: number; until: number } {
  const zone = fields.get('tz') ?? '';
  const since = momentOf(fields.get('since') ?? '', zone);
  const until = fields.get('until') ? momentOf(fields.get('until') ?? '', zone) : now + 1;
  if (since === undefined || until === undefined)
    throw new AppError('USAGE', 'the span is not a time', { hint: 'choose where it begins' });
  if (since >= until) throw new AppError('USAGE', 'the span ends before it begins', { hint: 'choose a later end' });
  return { since, until };
}

/** A date field's local time, or milliseconds since 1970. */
function momentOf(text: string, zone: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : momentIn(text, zone);
}
