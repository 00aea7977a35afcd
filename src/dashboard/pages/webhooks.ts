import { pageOfWebhooks } from '../../app/pages.ts';
import type { Runtime } from '../../app/runtime.ts';
import type { OverviewContent, WebhooksContent } from '../views/model.ts';

const PAGE = 50;

/** One page of the webhooks that are held or wait. */
export async function webhooksContent(
  query: Readonly<Record<string, string>>,
  runtime: Pick<Runtime, 'overview'>,
  { endpoints, now }: Pick<OverviewContent, 'endpoints' | 'now'>,
): Promise<WebhooksContent> {
  const state = query.state === 'waiting' ? 'waiting' : 'held';
  const { endpoint = '', after = '' } = query;
  const filter = { state, endpoint: endpoint || undefined, after, limit: PAGE } as const;
  const { entries, next } = await pageOfWebhooks(filter, runtime);
  return {
    now,
    filter: { state, endpoint, after },
    endpoints,
    webhooks: entries.map(one => ({
      webhookId: one.webhookId,
      recordingId: one.recordingId,
      endpoint: one.endpoint,
      state: one.state,
      heldReason: one.heldReason,
      attempts: one.attempts,
      since: one.heldAt ?? one.createdAt,
      nextAt: one.nextAt,
      error: one.error,
      status: one.status,
    })),
    next: next ?? null,
  };
}
