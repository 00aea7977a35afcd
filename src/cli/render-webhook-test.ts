import type { ChalkInstance } from 'chalk';
import type { WebhookCheck } from '../core/webhook/test-endpoint.ts';
import { printable } from './terminal/format.ts';

const TITLES: Record<WebhookCheck['kind'], string> = {
  accepted: 'with the token',
  'wrong-token': 'with a wrong token (must be refused)',
  'no-token': 'without a token (must be refused)',
};

/** A check for people: the request, the response, the time each phase took, and what it means. */
export function checkText(
  { endpoint, kind, ok, verdict, request, response, timings }: WebhookCheck,
  paint: ChalkInstance,
): string[] {
  return [
    paint.bold(`${endpoint}: ${TITLES[kind]}`),
    `  ${request.method} ${request.url}`,
    ...Object.entries(request.headers).map(([name, value]) => `  ${name}: ${value}`),
    `  ${request.body}`,
    response ? `  answer ${response.status}: ${printable(response.body) || '(empty)'}` : '  no answer',
    `  time: ${timingText(timings)}`,
    `  ${ok ? paint.green('✔') : paint.red('✘')} ${printable(verdict)}`,
    '',
  ];
}

function timingText({ dns, connect, tls, firstByte, total }: WebhookCheck['timings']): string {
  const phases: [string, number | undefined][] = [
    ['DNS', dns],
    ['connect', connect],
    ['TLS', tls],
    ['first byte', firstByte],
    ['total', total],
  ];
  return phases.flatMap(([name, ms]) => (ms === undefined ? [] : [`${name} ${Math.round(ms)} ms`])).join(', ');
}
