import type { RemadeWebhook } from '../../app/complete-payloads.ts';
import type { PayloadChange } from '../../core/payload/remake-payload.ts';
import { printableJson } from '../../core/text.ts';

/** `  changed: user_info.email from "old@example.com" to "new@example.com"` */
export function changeText({ key, before, after }: PayloadChange): string {
  const shown = (value: string | number | undefined) => (value === undefined ? 'nothing' : printableJson(value));
  return `  changed: ${key} from ${shown(before)} to ${shown(after)}`;
}

/** Payloads of held webhooks that were made again, and what is new in them; each recording once. */
export function remadeLines(remade: readonly RemadeWebhook[]): string[] {
  const texts = remade.map(({ recordingId, changes }) =>
    [`${recordingId}: the payload was made again:`, ...changes.map(changeText)].join('\n'),
  );
  return [...new Set(texts)];
}
