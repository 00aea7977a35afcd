import type { ChalkInstance } from 'chalk';
import type { CheckResult } from '../app/doctor/check.ts';
import { count, printable } from './terminal/format.ts';

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
  if (number('failure') > 0) return `Something is wrong: ${parts.join(', ')}.`;
  return `${number('warning') > 0 ? 'It works, but look at the warnings' : 'All is well'}: ${parts.slice(1).join(', ')}.`;
}
