import type { SwitchReport } from '../../app/switch-endpoint.ts';

/** The result of `webhook enable --json` and `webhook disable --json`. */
export interface SwitchedJson {
  endpoint: string;
  enabled: boolean;
  /** False: it was so already. */
  changed: boolean;
  /** Webhooks that are due now. */
  released: number;
}

export function switchedJson({ endpoint, enabled, changed, released }: SwitchReport): SwitchedJson {
  return { endpoint, enabled, changed, released };
}
