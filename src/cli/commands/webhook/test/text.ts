import type { ChalkInstance } from 'chalk';
import type { TestEndpointsReport } from '../../../../app/test-endpoints.ts';
import { printable } from '../../../../core/text.ts';

type WebhookCheck = TestEndpointsReport['checks'][number];

const TITLES: Record<WebhookCheck['kind'], string> = {
  accepted: 'with the token',
  'wrong-token': 'with a wrong token (must be refused)',
  'no-token': 'without a token (must be refused)',
};

/** One check: the request, the response, the time of each phase, and what it means. */
export function checkText(
  { endpoint, kind, ok, verdict, request, response, timings }: WebhookCheck,
  paint: ChalkInstance,
): string[] {
  return [
    paint.bold(`${printable(endpoint)}: ${TITLES[kind]}`),
    `  ${request.method} ${printable(request.url)}`,
    ...Object.entries(request.headers).map(([name, value]) => `  ${name}: ${printable(value)}`),
    `  ${printable(request.body)}`,
    response ? `  answer ${response.status}: ${printable(response.body) || '(empty)'}` : '  no answer',
    `  time: ${timingText(timings)}`,
    `  ${ok ? paint.green('✔') : paint.red('✘')} ${printable(verdict)}`,
    '',
  ];
}

/** The result of all checks in one sentence. */
export function verdictText({ works }: TestEndpointsReport): string {
  return works ? 'The webhook integration works.' : 'The webhook integration does not work yet.';
}

/** For `--quiet`: the first failure in one line. */
export function failureText(report: TestEndpointsReport): string {
  const verdict = report.checks.find(check => !check.ok)?.verdict ?? verdictText(report);
  return `recordupload webhook test: ${printable(verdict)}`;
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
