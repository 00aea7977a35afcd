import { describe, expect, test } from '@jest/globals';
import type { ExitCode } from '../../src/cli/exit-codes.ts';
import { defineCommand, type Invocation } from '../../src/cli/program/command.ts';
import { describeCommand } from '../../src/cli/program/command-spec.ts';
import { parseCommandLine } from '../../src/cli/program/program.ts';
import { AppError } from '../../src/core/errors.ts';

const bakeSpec = describeCommand({
  name: 'bake',
  summary: 'bake some bread',
  args: [
    { name: '<flour>', purpose: 'which flour' },
    { name: '[seed...]', purpose: 'what is strewn on it' },
  ],
  options: [
    { flags: '--crusty', purpose: 'bake it longer' },
    { flags: '--no-salt', purpose: 'leave the salt out' },
    { flags: '--note <text>', purpose: 'what to write on the bag' },
    { flags: '--for <name...>', purpose: 'who gets some' },
    { flags: '--shape <shape>', purpose: 'its shape', choices: ['round', 'long'] },
    { flags: '--baking-time <minutes>', purpose: 'how long', parse: parseMinutes },
  ],
  examples: [{ does: 'bake', line: 'recordupload bake rye' }],
  exits: ['usage'],
});

function parseMinutes(text: string, flag: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new AppError('USAGE', `${flag}: not a number`, { hint: 'such as 40' });
}

/** Compiles only if the types are those that the description says. */
async function run({ args, options }: Invocation<typeof bakeSpec>): Promise<ExitCode> {
  const [flour, ...seeds]: readonly [string, ...string[]] = args;
  const crusty: boolean | undefined = options.crusty;
  const salt: boolean | undefined = options.salt;
  const note: string | undefined = options.note;
  const guests: readonly string[] | undefined = options.for;
  const shape: 'round' | 'long' | undefined = options.shape;
  const minutes: number | undefined = options.bakingTime;
  // @ts-expect-error: it has no such option
  expect(options.sweet).toBeUndefined();
  // @ts-expect-error: a number is no text
  const wrong: string | undefined = options.bakingTime;
  expect(wrong).toBe(minutes);
  seen.push({ flour, seeds, crusty, salt, note, guests, shape, minutes });
  return 0;
}

const seen: object[] = [];

const COMMANDS = [defineCommand(bakeSpec, async () => ({ run }))];

async function call(line: string): Promise<object | undefined> {
  const parsed = parseCommandLine(line.split(' '), COMMANDS);
  if (typeof parsed === 'number') throw new Error('it was not parsed');
  const { spec, ...rest } = parsed;
  const { run: runCommand } = await spec.load();
  const { signal } = new AbortController();
  const terminal = {} as Invocation['terminal'];
  await runCommand({ command: spec.name, ...rest, terminal, commands: COMMANDS, signal });
  return seen.pop();
}

describe('a command receives what its description says', () => {
  test('arguments in their order, options by name, each with its type', async () => {
    const line = 'bake rye sesame poppy --crusty --no-salt --note fresh --for ada ben --shape long --baking-time 40';
    expect(await call(line)).toEqual({
      flour: 'rye',
      seeds: ['sesame', 'poppy'],
      crusty: true,
      salt: false,
      note: 'fresh',
      guests: ['ada', 'ben'],
      shape: 'long',
      minutes: 40,
    });
  });

  test('what is not given is undefined, but for what can be switched off', async () => {
    expect(await call('bake rye')).toEqual({
      flour: 'rye',
      seeds: [],
      crusty: undefined,
      salt: true,
      note: undefined,
      guests: undefined,
      shape: undefined,
      minutes: undefined,
    });
  });

  test('an option that cannot be parsed is a usage error with its flag', async () => {
    await expect(call('bake rye --baking-time long')).rejects.toMatchObject({
      code: 'USAGE',
      message: '--baking-time: not a number',
    });
    await expect(call('bake rye --shape square')).rejects.toMatchObject({ code: 'USAGE' });
  });
});
