import type { FaultAction, FaultAnswer, FaultRule } from './faults.ts';

type Check = (value: unknown) => boolean;
const isCount: Check = value => typeof value === 'number' && Number.isInteger(value) && value >= 1;
const isAmount: Check = value => typeof value === 'number' && value >= 0;
const isNumber: Check = value => typeof value === 'number';
const isText: Check = value => typeof value === 'string';
const isBoolean: Check = value => typeof value === 'boolean';
const isSide: Check = value => value === 'before' || value === 'after';
const isHeaders: Check = value => isObject(value) && Object.values(value).every(isText);

const RULE = {
  server: value => value === 's3' || value === 'webhook',
  operation: isText,
  key: isText,
  partNumber: isCount,
  from: isCount,
  times: value => value === 'Infinity' || value === Infinity || isCount(value),
  action: isObject,
} satisfies Record<keyof FaultRule, Check>;

const ACTION = {
  delayMs: isAmount,
  lateMs: isAmount,
  answer: isObject,
  drop: isSide,
  dropAfterBytes: isAmount,
  hang: isSide,
  dripMs: isAmount,
  truncateTo: isAmount,
  errorInside: isText,
  clockSkewMs: isNumber,
} satisfies Record<keyof FaultAction, Check>;

const ANSWER = {
  status: value => isCount(value) && Number(value) >= 200 && Number(value) <= 599,
  headers: isHeaders,
  body: isText,
  code: isText,
  message: isText,
  details: isHeaders,
  when: isSide,
  early: isBoolean,
} satisfies Record<keyof FaultAnswer, Check>;

/**
 * Reads a rule that came in as JSON; `times` may be the text `"Infinity"`, which JSON has no number for.
 * @throws Error naming the first field that is wrong
 */
export function parseFaultRule(value: unknown): FaultRule {
  const rule = checked(value, RULE, 'rule', ['server', 'action']);
  const action = checked(rule.action, ACTION, 'action', []);
  if (Object.keys(action).length === 0) throw new Error('action: says nothing');
  if (action.lateMs !== undefined && rule.server !== 'webhook') throw new Error('action.lateMs: only for the webhook');
  if (action.answer !== undefined) checked(action.answer, ANSWER, 'action.answer', ['status']);
  const times = rule.times === 'Infinity' ? { times: Infinity } : {};
  return { ...rule, ...times } as unknown as FaultRule;
}

function checked(
  value: unknown,
  checks: Record<string, Check>,
  where: string,
  required: string[],
): Record<string, unknown> {
  if (!isObject(value)) throw new Error(`${where}: must be an object`);
  for (const name of required) if (!(name in value)) throw new Error(`${where}.${name}: is missing`);
  for (const [name, field] of Object.entries(value)) {
    const check = checks[name];
    if (!check) throw new Error(`${where}.${name}: there is no such field`);
    if (!check(field)) throw new Error(`${where}.${name}: ${JSON.stringify(field)} is not possible`);
  }
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
