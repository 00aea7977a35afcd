import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A piece of what an error says, and where the source has it. */
export interface ErrorText {
  file: string;
  line: number;
  text: string;
}

/** What makes an error or a problem out of words. */
const MAKERS =
  /\b(?:new AppError|new StorageFailure|problem|changed|verification|notS3|problems\.push|fail|usage|refuse|parse)\(/g;

/** Where tables and functions hold words for errors that are made elsewhere: all of their texts count. */
const FILES_OF_WORDS = [
  'config/aws-credentials.ts',
  'config/aws-settings.ts',
  'config/permissions.ts',
  'config/problems.ts',
  'config/requirements.ts',
  'config/schema.ts',
  'config/secret-text.ts',
  'config/urls.ts',
  'config/sources/aws-profile.ts',
  'config/sources/config-file.ts',
  'core/recording/folder-problem.ts',
  'core/recording/sidecar.ts',
  'state/postgres/failure.ts',
  'state/sqlite/state-failure.ts',
  'core/storage/failure.ts',
  'core/storage/refusal-hints.ts',
  'core/webhook/failure-advice.ts',
];

/** Every text of every error that the program can make: what stands between the placeholders. */
export function errorTexts(src: string): ErrorText[] {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'));
  return files.flatMap(file => {
    const source = readFileSync(join(src, file), 'utf8');
    const all = literalsOf(source);
    const wanted = FILES_OF_WORDS.includes(file) ? [[0, source.length] as const] : callsOf(source, all);
    return all
      .filter(({ at }) => wanted.some(([from, to]) => at >= from && at < to))
      .filter(({ text }) => isSentence(text))
      .map(({ at, text }) => ({ file, line: source.slice(0, at).split('\n').length, text: text.trim() }));
  });
}

/** Words, not a code, a key or a path. */
function isSentence(text: string): boolean {
  return /[a-z]{2,}.* .*[a-z]{2,}/i.test(text);
}

interface Literal {
  at: number;
  end: number;
  text: string;
}

/** From the name of a maker to its closing bracket. */
function callsOf(source: string, literals: readonly Literal[]): (readonly [number, number])[] {
  return [...source.matchAll(MAKERS)].map(({ index, 0: { length } }) => {
    let depth = 1;
    let at = index + length;
    while (depth > 0 && at < source.length) {
      const literal = literals.find(one => one.at <= at && at < one.end);
      if (literal) {
        at = literal.end;
        continue;
      }
      if (source[at] === '(') depth++;
      if (source[at] === ')') depth--;
      at++;
    }
    return [index, at] as const;
  });
}

const COMMENT = /\/\/.*|\/\*[\s\S]*?\*\//y;
const REGEX = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y;
const QUOTED = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/y;

/** The texts of a source's strings and templates; of templates the pieces between their placeholders. */
function literalsOf(source: string): Literal[] {
  const found: Literal[] = [];
  let at = 0;
  /** What each open brace belongs to: a template's placeholder, or anything else. */
  const braces: ('placeholder' | 'other')[] = [];
  const skip = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const match = pattern.exec(source)?.[0];
    if (match !== undefined) at += match.length;
    return match;
  };
  const template = () => {
    const from = at;
    while (at < source.length && source[at] !== '`' && !source.startsWith('${', at)) at += source[at] === '\\' ? 2 : 1;
    found.push({ at: from, end: at, text: unescaped(source.slice(from, at)) });
    if (source[at] === '`') at++;
    else {
      braces.push('placeholder');
      at += 2;
    }
  };
  while (at < source.length) {
    if (skip(COMMENT) !== undefined) continue;
    const from = at;
    const quoted = skip(QUOTED);
    if (quoted !== undefined) {
      found.push({ at: from, end: at, text: unescaped(quoted.slice(1, -1)) });
      continue;
    }
    // A slash behind a value divides.
    if (source[at] === '/' && !/[\w)\]]\s*$/.test(source.slice(Math.max(0, at - 20), at)) && skip(REGEX) !== undefined)
      continue;
    const character = source[at++];
    if (character === '`') template();
    else if (character === '{') braces.push('other');
    else if (character === '}' && braces.pop() === 'placeholder') template();
  }
  return found;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}
