import { closest } from '../../config/suggest.ts';
import type { CommandSpec } from './command-spec.ts';

/**
 * The command that the user probably meant: `recordupload webhook test` for `webhok test`, and for `test`, which is a name
 * inside a group. Undefined if no name is similar.
 */
export function suggestCommand(argv: readonly string[], commands: readonly CommandSpec[]): string | undefined {
  const words = argv.filter(word => !word.startsWith('-'));
  const names = commands.map(({ name }) => name);
  const groups = [...new Set(names.filter(name => name.includes(' ')).map(name => String(name.split(' ')[0])))];
  const [first = '', second] = words;
  const isGroup = groups.includes(first);
  const found =
    (second !== undefined
      ? near(
          `${first} ${second}`,
          names.filter(name => name.includes(' ')),
        )
      : undefined) ??
    (isGroup ? undefined : near(first, [...names.filter(name => !name.includes(' ')), ...groups])) ??
    names.find(name => name.split(' ')[1] === first);
  return found === undefined ? undefined : `recordupload ${found}`;
}

/** Compares word by word, so that `webhook show` does not become `config show`. */
function near(text: string, candidates: readonly string[]): string | undefined {
  const words = text.split(' ');
  return closest(
    text,
    candidates.filter(candidate => candidate.split(' ').every((word, index) => isNear(words[index] ?? '', word))),
  );
}

function isNear(word: string, candidate: string): boolean {
  const letters = (text: string) => [...text].sort().join('');
  return closest(word, [candidate]) !== undefined || letters(word) === letters(candidate);
}
