import type { StateOverview } from '../../core/status/overview.ts';
import type { Runtime } from '../runtime.ts';

/** Whether uploads and webhooks work, as far as the state has last seen it. Nothing is asked for it. */
export interface Readiness {
  ready: boolean;
  /** The state can be read: a fleet's from its database. */
  state: boolean;
  /** No upload is broken off. */
  bucket: boolean;
  /** By name: it is neither disabled nor refusing the token, and no webhook to it waits after a failed try. */
  endpoints: Record<string, boolean>;
}

/** Webhooks that are due first show whether an endpoint answers. */
const MOST_LOOKED_AT = 1_000;

/** Never throws for a state that cannot be read. */
export async function readiness({ config, overview }: Pick<Runtime, 'config' | 'overview'>): Promise<Readiness> {
  const names = config.webhooks.filter(({ enabled }) => enabled).map(({ name }) => name);
  let open: Awaited<ReturnType<typeof overview>>;
  try {
    open = await overview();
    const all = await open?.all({ limit: MOST_LOOKED_AT });
    const endpoints = Object.fromEntries(names.map(name => [name, all === undefined || answers(name, all)]));
    const bucket = all === undefined || all.counts.partial === 0;
    const state = open?.alone?.() === undefined;
    return { ready: state && bucket && Object.values(endpoints).every(Boolean), state, bucket, endpoints };
  } catch {
    return { ready: false, state: false, bucket: false, endpoints: {} };
  } finally {
    open?.close();
  }
}

function answers(endpoint: string, { endpoints, waiting }: StateOverview): boolean {
  if (endpoints.some(({ name }) => name === endpoint)) return false;
  return !waiting.some(one => one.endpoint === endpoint && one.attempts > 0);
}
