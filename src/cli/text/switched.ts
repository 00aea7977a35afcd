import type { SwitchReport } from '../../app/switch-endpoint.ts';
import { count } from '../terminal/format.ts';

/** An endpoint's new state, and what that means for its webhooks. */
export function switchedText({ endpoint, enabled, changed, released }: SwitchReport): string {
  const due = released > 0 ? `; ${count(released, 'webhook')} due: recordupload retry` : '';
  const then = enabled ? due : '; its webhooks wait until it is enabled';
  return `endpoint ${endpoint} ${changed ? 'is now' : 'was already'} ${enabled ? 'enabled' : 'disabled'}${then}`;
}
