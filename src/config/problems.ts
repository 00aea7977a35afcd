import { isSecretPath } from './keys.ts';
import { settingsSchema } from './schema.ts';
import { nest, valueAt } from './sources/nested.ts';
import type { Setting } from './sources/setting.ts';
import { suggestKey } from './suggest.ts';
import { displayText } from './urls.ts';

type Issue = NonNullable<ReturnType<typeof settingsSchema.safeParse>['error']>['issues'][number];

/**
 * Checks data against the schema. Each problem becomes one line that begins with what `where` says about its path
 * (`webhooks[0].url`, empty for the whole). Returns the paths that are wrong, with dots.
 * @param secretProblems gets what is wrong with secrets
 */
export function checkData(
  data: unknown,
  where: (path: string) => string,
  problems: string[],
  secretProblems = problems,
): { bad: string[] } {
  const result = settingsSchema.safeParse(data);
  if (result.success) return { bad: [] };
  for (const issue of result.error.issues) {
    if (issue.code !== 'unrecognized_keys') {
      // Without its URL, a command that only reads the state would read another one.
      const isOnlySecret = isSecretPath(issue.path) && issue.path.at(-1) !== 'stateUrl';
      const list = isOnlySecret ? secretProblems : problems;
      list.push(`${where(showPath(issue.path))}: ${describe(issue, valueAt(data, issue.path))}`);
      continue;
    }
    for (const name of issue.keys) {
      const suggestion = suggestKey(name, issue.path);
      const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name;
      const path = showPath([...issue.path, /^[\w$-]+…?$/.test(shown) ? shown : JSON.stringify(shown)]);
      problems.push(`${where(path)}: unknown key${suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`}`);
    }
  }
  return { bad: result.error.issues.map(issue => issue.path.join('.')) };
}

/** Leaves out the settings whose values are wrong, each with its problem. */
export function checkSettings(
  settings: readonly Setting[],
  problems: string[],
  { inside = '', secretProblems = problems }: { inside?: string; secretProblems?: string[] } = {},
): Setting[] {
  return settings.filter(setting => {
    const data = nest(inside + setting.path, setting.value);
    const { bad } = checkData(data, () => setting.where, problems, secretProblems);
    return bad.length === 0;
  });
}

function describe(issue: Issue, value: unknown): string {
  if (value === undefined) return 'is missing';
  const secret = isSecretPath(issue.path);
  switch (issue.code) {
    case 'invalid_type': {
      const expected = EXPECTED[issue.expected] ?? issue.expected;
      const quotes = expected === 'text' && typeof value === 'number' ? ' (put it in quotes)' : '';
      return `expected ${expected}, got ${show(value, { secret: secret || EXPECTED_LARGE.has(issue.expected) })}${quotes}`;
    }
    case 'too_small':
    case 'too_big':
      if (issue.origin === 'array') return 'expected one or two secrets';
      return `expected a whole number from 1 to 256, got ${show(value, { secret })}`;
    default:
      return issue.message;
  }
}

const EXPECTED: Record<string, string> = {
  string: 'text',
  number: 'a whole number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys',
};

/** If a list or mapping is expected, the text found instead may be a secret that belongs one level deeper: never show it. */
const EXPECTED_LARGE = new Set(['array', 'object']);

function show(value: unknown, { secret }: { secret: boolean }): string {
  if (Array.isArray(value)) return 'a list';
  // A flag whose text was no number; the text itself is no longer known.
  if (Number.isNaN(value)) return 'something else';
  if (typeof value === 'object') return 'a mapping';
  if (secret) return typeof value === 'string' ? 'text' : `a ${typeof value}`;
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(displayText(value));
}

/** `['webhooks', 0, 'url']` → `webhooks[0].url`. */
function showPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
}
