import { recordingStatus } from '../../app/recording-status.ts';
import { chooseReplay } from '../../app/replay.ts';
import { planRetry } from '../../app/retry-work.ts';
import type { Runtime } from '../../app/runtime.ts';
import { endpointSwitch } from '../../app/switch-endpoint.ts';
import type { Delivery } from '../../core/delivery/delivery.ts';
import type { ActionName, PlanContent } from '../views/model.ts';
import { type ActionRequest, fieldsOf } from './request.ts';

type Item = PlanContent['items'][number];
type Planned = Pick<PlanContent, 'will' | 'items' | 'count' | 'nothing'>;

const MOST_LISTED = 100;

const TITLES: Readonly<Record<ActionName, string>> = {
  retry: 'Retry',
  discard: 'Discard webhooks',
  replay: 'Replay a span',
  enable: 'Enable an endpoint',
  disable: 'Disable an endpoint',
};

const BUTTONS: Readonly<Record<ActionName, string>> = {
  retry: 'Retry',
  discard: 'Discard',
  replay: 'Send again',
  enable: 'Enable',
  disable: 'Disable',
};

/**
 * Says what an action will do; does nothing.
 * @throws AppError `USAGE`, `CONFIG`, `STATE`
 */
export async function planAction(request: ActionRequest, runtime: Runtime): Promise<PlanContent> {
  const { action, endpoint } = request;
  const planned = await PLANS[action](request, runtime);
  const named = (action === 'enable' || action === 'disable') && endpoint !== undefined;
  return {
    action,
    title: named ? `${BUTTONS[action]} ${endpoint}` : TITLES[action],
    ...planned,
    items: planned.items.slice(0, MOST_LISTED),
    fields: fieldsOf(request),
    button: BUTTONS[action],
    back: backOf(request),
  };
}

/** Where to go from an action's pages. */
export function backOf({ action, ids, webhooks }: ActionRequest): string {
  const [id] = ids;
  if (ids.length === 1 && webhooks.length === 0 && id !== undefined) return `/recordings/${encodeURIComponent(id)}`;
  return action === 'enable' || action === 'disable' ? '/' : '/webhooks';
}

const PLANS: Readonly<Record<ActionName, (request: ActionRequest, runtime: Runtime) => Promise<Planned>>> = {
  async retry({ ids, endpoint, held, now }, runtime) {
    const isChosen = ids.length > 0;
    const { uploads, queue, deliveries } = await planRetry(
      { ids, now: now || isChosen, held: held || isChosen, endpoint },
      runtime,
    );
    const sent = deliveries.filter(({ state, nextAt }) =>
      state === 'held' ? held || isChosen : now || held || isChosen || nextAt <= runtime.clock.now(),
    );
    const items = [
      ...uploads.map(({ id, error }) => ({ subject: `upload of ${id}`, detail: error ?? 'unfinished', at: null })),
      ...queue.map(({ recordingId, reason }) => ({
        subject: `upload of ${recordingId}`,
        detail: reason ?? 'queued',
        at: null,
      })),
      ...sent.map(deliveryItem),
    ];
    return {
      will: [
        ...(uploads.length > 0 ? [`${count(uploads.length, 'unfinished upload')} will be finished.`] : []),
        ...(queue.length > 0 ? [`${count(queue.length, 'folder')} of the queue will be uploaded.`] : []),
        ...(sent.length > 0 ? [`${count(sent.length, 'webhook')} will be sent now.`] : []),
        'What fails stays as it is, and waits or is held again.',
      ],
      items,
      count: items.length,
      nothing: items.length === 0 ? ['There is nothing to retry.'] : null,
    };
  },

  async discard(request, runtime) {
    const chosen = await discardable(request, runtime);
    return {
      will: [
        `${count(chosen.length, 'webhook')} will be ended: nothing will send ${chosen.length === 1 ? 'it' : 'them'} any more.`,
        'The recordings stay in the bucket, and later uploads of them send new webhooks.',
      ],
      items: chosen.map(deliveryItem),
      count: chosen.length,
      nothing: chosen.length === 0 ? ['None of them waits or is held any more.'] : null,
    };
  },

  async replay({ since, until, held, endpoint }, runtime) {
    const chosen = await chooseReplay({ since, until, held, endpoint }, runtime);
    const span = ['from ', since, ' to ', until];
    return {
      will: [
        [
          `${count(chosen.length, 'webhook')} that ${chosen.length === 1 ? 'was' : 'were'} ${held ? 'held' : 'delivered'} `,
          ...span,
          ' will be sent again.',
        ],
        'Of each recording and endpoint only the newest will be sent, with the same payload and webhook ID as before.',
      ],
      items: chosen.map(deliveryItem),
      count: chosen.length,
      nothing: chosen.length === 0 ? [`No webhook was ${held ? 'held' : 'delivered'} `, ...span, '.'] : null,
    };
  },

  enable: (request, runtime) => planSwitch(request, runtime, true),
  disable: (request, runtime) => planSwitch(request, runtime, false),
};

async function planSwitch({ endpoint: name = '' }: ActionRequest, runtime: Runtime, enable: boolean): Promise<Planned> {
  const { isEnabled, waiting, heldBecauseDisabled } = await endpointSwitch({ name }, runtime);
  const will = enable
    ? [
        `Webhooks will be sent to ${name} again.`,
        ...(heldBecauseDisabled > 0
          ? [
              `${count(heldBecauseDisabled, 'held webhook')} will be due at once; the next retry sends ${heldBecauseDisabled === 1 ? 'it' : 'them'}.`,
            ]
          : []),
      ]
    : [
        `Nothing will be sent to ${name} until it is enabled again.`,
        `${count(waiting, 'webhook')} that ${waiting === 1 ? 'waits' : 'wait'}, and new ones, will be kept.`,
      ];
  const nothing = isEnabled === enable ? `${name} is ${enable ? 'enabled' : 'disabled'} already.` : null;
  return { will, items: [], count: 0, nothing };
}

/** The webhooks of a request that wait or are held. */
export async function discardable({ ids, webhooks, endpoint }: ActionRequest, runtime: Runtime): Promise<Delivery[]> {
  const found: Delivery[] = [];
  for (const id of ids) {
    const own = webhooks.filter(one => one.recordingId === id).map(one => one.endpoint);
    const { webhooks: all } = await recordingStatus({ id }, runtime);
    for (const { delivery } of all) {
      const isOpen = delivery.state === 'pending' || delivery.state === 'held';
      const isMeant = own.length > 0 ? own.includes(delivery.endpoint) : !endpoint || delivery.endpoint === endpoint;
      if (isOpen && isMeant) found.push(delivery);
    }
  }
  return found;
}

function deliveryItem({ recordingId, endpoint, state, heldReason, settledAt, nextAt }: Delivery): Item {
  const subject = `webhook of ${recordingId} to ${endpoint}`;
  if (state === 'pending') return { subject, detail: 'waits until', at: nextAt };
  return { subject, detail: state === 'held' ? `held (${heldReason}) since` : state, at: settledAt };
}

export function count(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`;
}
