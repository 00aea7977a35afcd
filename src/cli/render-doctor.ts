import type { ChalkInstance } from 'chalk';
import type { CheckResult } from '../core/doctor/check.ts';
import { count, printable } from './format.ts';

const MARKS = { ok: '✔', warning: '!', failure: '✘' } as const;

/** A finding for people: what was looked at, how it is, and below it the mend. */
export function findingLines({ name, status, detail, mend, more }: CheckResult, paint: ChalkInstance): string[] {
  const color = { ok: paint.green, warning: paint.yellow, failure: paint.red }[status];
  return [
    `${color(MARKS[status])} ${printable(name)}: ${printable(detail)}`,
    ...(more ?? []).map(line => `    ${printable(line)}`),
    ...(mend ? [`    → ${printable(mend)}`] : []),
  ];
}

/** What it all comes to. */
export function verdictText(results: readonly CheckResult[]): string {
  const number = (status: CheckResult['status']) => results.filter(one => one.status === status).length;
  const parts = [count(number('failure'), 'failure'), count(number('warning'), 'warning'), `${number('ok')} ok`];
  return number('failure') > 0
    ? `Something is wrong: ${parts.join(', ')}.`
    : `All is well: ${parts.slice(1).join(', ')}.`;
}
