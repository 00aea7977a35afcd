import type { ChalkInstance } from 'chalk';
import type { CheckResult } from '../../../app/doctor/check.ts';
import { printable } from '../../../core/text.ts';
import { count } from '../../terminal/format.ts';

const MARKS = { ok: '✔', warning: '!', failure: '✘' } as const;

/** One finding: what was checked, the result, and below it what to do. */
export function findingLines({ name, status, detail, fix, more }: CheckResult, paint: ChalkInstance): string[] {
  const color = { ok: paint.green, warning: paint.yellow, failure: paint.red }[status];
  return [
    `${color(MARKS[status])} ${printable(name)}: ${printable(detail)}`,
    ...(more ?? []).map(line => `    ${printable(line)}`),
    ...(fix ? [`    → ${printable(fix)}`] : []),
  ];
}

/** The result of all checks in one sentence. */
export function verdictText(results: readonly CheckResult[]): string {
  const number = (status: CheckResult['status']) => results.filter(one => one.status === status).length;
  const parts = [count(number('failure'), 'failure'), count(number('warning'), 'warning'), `${number('ok')} ok`];
  if (number('failure') > 0) return `Something is wrong: ${parts.join(', ')}.`;
  return `${number('warning') > 0 ? 'It works, but look at the warnings' : 'Everything is fine'}: ${parts.slice(1).join(', ')}.`;
}

/** For `--quiet`: the first failure in one line. */
export function failureText([first, ...others]: readonly CheckResult[]): string {
  const more = others.length > 0 ? ` (and ${count(others.length, 'further failure')})` : '';
  return `recordupload doctor: ${printable(first?.name ?? '')}: ${printable(first?.detail ?? '')}${more}; next: recordupload doctor`;
}
