import type { EXIT } from '../exit-codes.ts';

/** What the program knows of a command without loading it. */
export interface CommandSpec {
  /** `upload`, `webhook send`. */
  name: string;
  summary: string;
  /** Positional arguments in commander's notation. */
  args: readonly ArgSpec[];
  options: readonly OptionSpec[];
  /** Commands with what they do; numbered in the help. */
  examples: readonly { does: string; line: string }[];
  /** The exit statuses that it can end with, beside 0 and 1. */
  exits: readonly (keyof typeof EXIT)[];
  /** SIGHUP does not end it: the command listens to that itself. */
  keepsHangUp?: boolean;
}

/** A positional argument in commander's notation: `<id>`, `[id]`, `<dir...>`. */
export interface ArgSpec {
  name: string;
  purpose: string;
  /** The only values that it accepts. */
  choices?: readonly string[];
}

/** An option in commander's notation: `--title <text>`, `-f, --force`, `--no-webhook`. */
export interface OptionSpec {
  flags: string;
  purpose: string;
  /** The only values that it accepts. */
  choices?: readonly string[];
  /** Makes a value of the text. @throws AppError `USAGE` that names the flag */
  parse?: (text: string, flag: string) => unknown;
}

/** Describes a command; the types of its arguments and options follow from the description. */
export function describeCommand<const Spec extends CommandSpec>(spec: Spec): Spec {
  return spec;
}

/*
 * What a command's `run` receives, worked out from its description: `{ flags: '--max-age <age>', parse: parseAge }`
 * becomes `{ maxAge?: number }`. The names are those that commander gives.
 */

/** The options of a description that is written out; of any other, whatever there is. */
export type OptionsOf<Spec extends CommandSpec> = string extends Spec['name']
  ? Readonly<Record<string, unknown>>
  : { readonly [Option in Spec['options'][number] as NameOf<LongOf<Option['flags']>>]?: ValueOf<Option> };

/** `-f, --force` → `--force`. */
type LongOf<Flags extends string> = Flags extends `-${string}, ${infer Long}` ? Long : Flags;

/** `--max-age <age>` → `maxAge`, `--no-webhook` → `webhook`. */
type NameOf<Flags extends string> = Flags extends `--no-${infer Name}`
  ? CamelCase<Name>
  : Flags extends `--${infer Name} ${string}`
    ? CamelCase<Name>
    : Flags extends `--${infer Name}`
      ? CamelCase<Name>
      : never;

type CamelCase<Text extends string> = Text extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Text;

type ValueOf<Option extends OptionSpec> = Option['flags'] extends `${string} <${string}...>`
  ? readonly string[]
  : Option['flags'] extends `${string} <${string}>`
    ? TextOf<Option>
    : boolean;

type TextOf<Option extends OptionSpec> = Option extends { parse: (text: string, flag: string) => infer Value }
  ? Value
  : Option extends { choices: readonly (infer Choice)[] }
    ? Choice
    : string;

/** `['<shell>', '[word...]']` → `[string, ...string[]]`. */
export type ArgsOf<Spec extends CommandSpec> = string extends Spec['name'] ? readonly string[] : Tuple<Spec['args']>;

type Tuple<Args extends readonly ArgSpec[]> = Args extends readonly [
  infer First extends ArgSpec,
  ...infer Rest extends readonly ArgSpec[],
]
  ? readonly [...ArgOf<First['name']>, ...Tuple<Rest>]
  : readonly [];

type ArgOf<Name extends string> = Name extends `<${string}...>`
  ? [string, ...string[]]
  : Name extends `[${string}...]`
    ? string[]
    : Name extends `[${string}]`
      ? [string?]
      : [string];
