import type { ChalkInstance } from 'chalk';
import type { AlertTest } from '../../../../app/alerts/test-alerts.ts';
import { printable } from '../../../../core/text.ts';

/** `✔ hooks.example.com  sent` */
export function testLine({ to, ok, detail = 'not sent' }: AlertTest, paint: ChalkInstance): string {
  return ok ? `${paint.green('✔')} ${printable(to)}  sent` : `${paint.red('✘')} ${printable(to)}  ${printable(detail)}`;
}
