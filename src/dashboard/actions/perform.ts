import { discardWebhooks } from '../../app/discard.ts';
import { chooseReplay, replay } from '../../app/replay.ts';
import { type RetryReport, retry } from '../../app/retry.ts';
import type { Runtime } from '../../app/runtime.ts';
import { disableEndpoint, enableEndpoint, type SwitchReport } from '../../app/switch-endpoint.ts';
import type { RetriedUpload } from '../../app/upload-queued.ts';
import type { DeliveryReport, EndpointReport } from '../../core/delivery/delivery-report.ts';
import { failuresOf } from '../../core/upload/upload-report.ts';
import type { ActionContent, ActionName } from '../views/model.ts';
import { messageOf, type Outcome } from './jobs.ts';
import { count, discardable } from './plan.ts';
import type { ActionRequest } from './request.ts';

type Item = ActionContent['items'][number];

/**
 * Does what an operator has asked for.
 * @throws AppError; the signal's reason if it aborts
 */
export function performAction(request: ActionRequest, runtime: Runtime): Promise<Outcome> {
  return ACTIONS[request.action](request, runtime);
}

const ACTIONS: Readonly<Record<ActionName, (request: ActionRequest, runtime: Runtime) => Promise<Outcome>>> = {
  async retry({ ids, webhooks, endpoint, held, now }, runtime) {
    const isChosen = ids.length > 0;
    const chosen = new Set(webhooks.map(one => one.endpoint));
    const [only] = chosen;
    const report = await retry(
      {
        ids,
        now: now || isChosen,
        held: held || isChosen,
        endpoint: endpoint ?? (chosen.size === 1 ? only : undefined),
      },
      runtime,
    );
    return retried(report);
  },

  async discard(request, runtime) {
    const items: Item[] = [];
    for (const { recordingId, endpoint } of await discardable(request, runtime)) {
      const subject = `webhook of ${recordingId} to ${endpoint}`;
      try {
        const { discarded } = await discardWebhooks({ id: recordingId, endpoint }, runtime);
        items.push({ subject, outcome: 'ok', detail: discarded.length > 0 ? 'discarded' : 'was already ended' });
      } catch (error) {
        items.push({ subject, outcome: 'failure', detail: messageOf(error) });
      }
    }
    return { summary: `${count(items.filter(one => one.outcome === 'ok').length, 'webhook')} discarded`, items };
  },

  async replay({ since, until, held, endpoint }, runtime) {
    const chosen = await chooseReplay({ since, until, held, endpoint }, runtime);
    const { deliveries, endpoints } = await replay(chosen, runtime);
    const delivered = deliveries.filter(({ outcome }) => outcome === 'delivered').length;
    return {
      summary: `${delivered} of ${count(deliveries.length, 'webhook')} sent again`,
      items: [...deliveries.map(deliveryItem), ...endpoints.flatMap(stopItem)],
    };
  },

  enable: async ({ endpoint: name = '' }, runtime) => switched(await enableEndpoint({ name }, runtime)),
  disable: async ({ endpoint: name = '' }, runtime) => switched(await disableEndpoint({ name }, runtime)),
};

function retried({ uploads, deliveries, endpoints, held, elsewhere }: RetryReport): Outcome {
  const delivered = deliveries.filter(({ outcome }) => outcome === 'delivered').length;
  const finished = uploads.filter(upload => upload.ok && failuresOf(upload.report).length === 0).length;
  const summary = [
    ...(uploads.length > 0 ? [`${finished} of ${count(uploads.length, 'upload')} finished`] : []),
    ...(deliveries.length > 0 ? [`${delivered} of ${count(deliveries.length, 'webhook')} delivered`] : []),
  ];
  return {
    summary: summary.join(', ') || 'there was nothing to do',
    items: [
      ...uploads.map(uploadItem),
      ...deliveries.map(deliveryItem),
      ...endpoints.flatMap(stopItem),
      ...held.map(deliveryItem),
      ...elsewhere.map(({ recordingId, target }) => ({
        subject: `upload of ${recordingId}`,
        outcome: 'failure' as const,
        detail: `it is unfinished in another bucket, ${target}: configure it again`,
      })),
    ],
  };
}

function uploadItem(upload: RetriedUpload): Item {
  const subject = `upload of ${upload.recordingId}`;
  if (!upload.ok) return { subject, outcome: upload.waits ? 'waiting' : 'failure', detail: messageOf(upload.error) };
  const failures = failuresOf(upload.report);
  if (failures.length === 0) return { subject, outcome: 'ok', detail: 'uploaded and verified' };
  return { subject, outcome: 'failure', detail: failures.map(messageOf).join('\n') };
}

function deliveryItem({ recordingId, endpoint, outcome, status, action, detail, nextAt }: DeliveryReport): Item {
  const subject = `webhook of ${recordingId} to ${endpoint}`;
  const facts = [status && `HTTP ${status}`, action].filter(Boolean).join(', ');
  if (outcome === 'delivered')
    return { subject, outcome: 'ok', detail: `${detail || 'delivered'}${facts ? ` (${facts})` : ''}` };
  const waits = outcome === 'busy' || outcome === 'superseded' || outcome === 'pending';
  return { subject, outcome: waits ? 'waiting' : 'failure', detail: `${outcome}: ${detail}`, nextAt: nextAt ?? null };
}

function stopItem({ endpoint, stopped, detail, left }: EndpointReport): Item[] {
  if (!stopped || left === 0) return [];
  return [
    { subject: `endpoint ${endpoint}`, outcome: 'failure', detail: `${detail} (${count(left, 'webhook')} not sent)` },
  ];
}

function switched({ endpoint, enabled, changed, released }: SwitchReport): Outcome {
  const state = `${endpoint} ${changed ? 'is now' : 'was already'} ${enabled ? 'enabled' : 'disabled'}`;
  const due = released > 0 ? `; ${count(released, 'webhook')} due: retry sends them` : '';
  return { summary: `${state}${due}`, items: [] };
}
